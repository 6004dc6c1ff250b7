import pytest

from emofuse.preprocess import normalize_text
from emofuse.redact import mask_text, redact_text

MASKED = {
    "Mail jane.doe+x@mail.example.co.uk now": "Mail [email] now",
    "mailto:jane@example.org?subject=hi": "[email]?subject=hi",
    "jane [at] example [dot] com": "[email]",
    "thanks @jane_doe, .@bob and (@anna.k)!": "thanks @user, .@user and (@user)!",
    "@user.jane @User.name @user-jane @@jane_doe @USER.": "@user @user @user @@user @user.",
    "@jane@chaos.social hi": "[email] hi",
    "see https://x.com/jane/status/1?s=20, ok": "see http, ok",
    "Instagram.com/jane.doe.": "http.",
    "call +49 (0)30 1234-567 or 0049 30 1234567": "call [phone] or [phone]",
    "(212) 555-0123; 212.555.0123; 1-800-555-0199": "[phone]; [phone]; [phone]",
    "020 7946 0958 / 06.12.34.56.78": "[phone] / [phone]",
    "8 (912) 345-67-89, (11) 91234-5678": "[phone], [phone]",
    "612 34 56 78, 98765 43210, 138 1234 5678": "[phone], [phone], [phone]",
    "my number is 5550123": "my number is [phone]",
    "📞 912 345 678": "📞 [phone]",
    "card 4111 1111 1111 1111.": "card [card].",
    "IBAN DE89 3704 0044 0532 0130 00, thanks": "IBAN [iban], thanks",
    "de89370400440532013000, De89 3704 0044 0532 0130 00 ok": "[iban], [iban] ok",
    "be68 5390 0754 7034 from here, BE68 5390 0754 7034 from": "[iban] from here, [iban] from",
    "gb82 west 1234 5698 7654 32 is mine": "[iban] is mine",
}
KEPT = [
    "21.11.2024, 11/21/2024, 2024-11-21 10:05:22, 02.11.2024-05.11.2024",
    "Tel Aviv, 03.04.2021 and call 03 04 2021 a day",
    "$1,234,567.89, 1 234 567 890 EUR, 06 1234567 euros, £020 000 000",
    "order no. 0171 2345678, ISBN 0306406152, tracking 1Z999AA10123456784",
    "version 10.15.7, 192.168.100.200, v2.0.1-rc.3",
    "3 @ 2.50, @7pm, @10:30, c@t",
    "and/or e.g. this.Next file.txt Mr. Smith",
    "4111 1111 1111 1112",  # the check digit is wrong
    "GB81WEST12345698765432",
    "Science (2019) 123-4567 and 0.123456789",
    "call 911",
    "ab12 this that have been said, mp34 in one word",
    "@user, @user. @@user http [email] [phone] [card] [iban]",
    "",
]


@pytest.mark.parametrize("text", MASKED)
def test_what_leads_to_a_person_is_masked(text):
    assert redact_text(text) == MASKED[text]


@pytest.mark.parametrize("text", KEPT)
def test_what_looks_alike_stays(text):
    assert redact_text(text) == text


def test_masks_are_counted_by_kind():
    masked, counts = mask_text("@a_b and @c_d: jane@example.org, +49 30 1234567, www.example.org/x")
    assert masked == "@user and @user: [email], [phone], http"
    assert counts == {"handle": 2, "email": 1, "phone": 1, "url": 1}
    assert not mask_text(masked)[1]


@pytest.mark.parametrize(
    "text", ["so good @jane_doe!", "look https://example.org/jane", "@bob see www.example.org now"]
)
def test_models_read_the_same_words_after_masking_handles_and_addresses(text):
    assert normalize_text(redact_text(text))[0] == normalize_text(text)[0]


@pytest.mark.parametrize(
    "part", ["a", "@", "1 ", "a@", "0", "(at)", "www.", "a.", "+1", "((", "id ", "call me "]
)
def test_long_texts_take_linear_time(part):
    # A quadratic rule would need minutes here.
    assert isinstance(redact_text(part * 30_000), str)
