"""Raw text and pictures as the models read them; shared by training and prediction."""

from emofuse.preprocess.text import normalize_text, spell_emoji, split_windows

__all__ = ["normalize_text", "spell_emoji", "split_windows"]
