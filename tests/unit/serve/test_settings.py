import pytest

from emofuse.errors import ConfigError
from emofuse.serve.settings import Settings, read_settings

NUMBERS = [name for name, own in Settings.model_fields.items() if own.annotation in (float, float | None)]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["inf", "nan", "-1"])
def test_a_number_without_end_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"EMOFUSE_{name.upper()}", value)
    with pytest.raises(ConfigError, match=name):
        read_settings()
