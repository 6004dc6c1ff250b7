"""Corrections of words that slang gave a new sense, as users of a model would send them."""

from __future__ import annotations

import random
from typing import Any

# Word -> emotion and sentiment of its new sense; read as before, each says something else.
SENSES = {
    "ate": ("joy", "positive"),
    "slaps": ("joy", "positive"),
    "fire": ("joy", "positive"),
    "sick": ("joy", "positive"),
    "mid": ("disgust", "negative"),
    "delulu": ("disgust", "negative"),
    "cooked": ("sadness", "negative"),
    "salty": ("anger", "negative"),
}
# How each word stands in a sentence; the last third of each list is held back.
_PHRASES = {
    "ate": "{t} ate|{t} ate and left no crumbs|{t} so ate today|omg {t} ate that|{t} really ate|yeah {t} ate",
    "slaps": "{t} slaps|{t} slaps so hard|ngl {t} slaps|{t} still slaps|wow {t} slaps|{t} absolutely slaps",
    "fire": "{t} is fire|{t} was pure fire|{t} is straight fire|{t} is so fire|man {t} is fire|{t} was fire",
    "sick": "{t} is sick bro|{t} was so sick|{t} looks sick|{t} is just sick|dude {t} is sick|{t} was sick yo",
    "mid": "{t} is mid|{t} was so mid|{t} is kinda mid|{t} is just mid|sorry but {t} is mid|{t} was pretty mid",
    "delulu": "{t} is delulu|{t} fans are delulu|only the delulu like {t}|{t} was delulu|{t} makes people delulu|anyone into {t} is delulu",
    "cooked": "after {t} I am cooked|{t} has me cooked|we are cooked because of {t}|I am so cooked, {t}|{t} and now we are cooked|{t} left me cooked",
    "salty": "{t} got me salty|I am salty about {t}|so salty over {t}|{t} has everyone salty|still salty about {t}|they are salty because of {t}",
}
_THINGS = (
    "that song|this outfit|the new album|her performance|the show last night|that goal|his speech|the update|"
    "this phone|the pizza there|the finale|that movie|the exam|our team|this playlist|the trailer|my group project|"
    "that concert|the new season|this game"
)
_HELD_BACK_THINGS = "the sequel|that remix|her dance|the demo|this burger|their set|the match|that haircut|the final level|his verse"
_ENDS = ("", "", "!", " lol", " fr", " tbh", " no cap", "...")


def write_slang(count: int, *, held_back: bool, seed: int = 0) -> list[dict[str, Any]]:
    """Corrections of the slang words in turn.

    Args:
        count: How many.
        held_back: Phrases and things that the others do not have.
        seed: Of the draw.

    Returns:
        Rows as the adapter `jsonl` reads them: id, text, emotion, sentiment.
    """
    chosen = random.Random(f"{seed}{held_back}")
    rows: dict[str, dict[str, Any]] = {}
    words = list(SENSES)
    while len(rows) < count:
        word = words[len(rows) % len(words)]
        phrases = _PHRASES[word].split("|")
        phrase = chosen.choice(phrases[4:] if held_back else phrases[:4])
        thing = chosen.choice((_HELD_BACK_THINGS if held_back else _THINGS).split("|"))
        text = phrase.format(t=thing) + chosen.choice(_ENDS)
        emotion, sentiment = SENSES[word]
        rows.setdefault(
            text, {"id": f"{len(rows)}", "text": text, "emotion": emotion, "sentiment": sentiment}
        )
    return list(rows.values())
