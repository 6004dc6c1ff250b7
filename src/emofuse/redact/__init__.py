"""Take people out of what is kept: faces in pictures; handles, addresses and numbers in texts."""

from emofuse.redact.image import FaceRedactor, mask_faces, redact_image, write_picture
from emofuse.redact.table import redact_csv, redact_jsonl, redact_lines
from emofuse.redact.text import mask_text, redact_text

__all__ = [
    "FaceRedactor",
    "mask_faces",
    "mask_text",
    "redact_csv",
    "redact_image",
    "redact_jsonl",
    "redact_lines",
    "redact_text",
    "write_picture",
]
