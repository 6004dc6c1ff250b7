"""Raw text and pictures as the models read them; shared by training and prediction."""

from emofuse.preprocess.face import crop_area, cut_face, face_square, prepare_crop, resize_to_fit
from emofuse.preprocess.image import load_image, prepare_scene
from emofuse.preprocess.text import normalize_text, spell_emoji, split_windows
from emofuse.preprocess.wordpiece import WordPieceTokenizer

__all__ = [
    "WordPieceTokenizer",
    "crop_area",
    "cut_face",
    "face_square",
    "load_image",
    "normalize_text",
    "prepare_crop",
    "prepare_scene",
    "resize_to_fit",
    "spell_emoji",
    "split_windows",
]
