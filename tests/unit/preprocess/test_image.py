import io
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from emofuse.errors import (
    EmptyImageFileError,
    ImageIsDirectoryError,
    ImageNotFoundError,
    ImageTooLargeError,
    ImageTooSmallError,
    NotAnImageError,
    TruncatedImageError,
)
from emofuse.preprocess import load_image


def scene(width=40, height=30):
    """A picture whose four corners differ, so that every orientation is told apart."""
    image = np.full((height, width, 3), 90, dtype=np.uint8)
    image[: height // 2, : width // 2] = (250, 10, 10)
    image[: height // 2, width // 2 :] = (10, 250, 10)
    image[height // 2 :, : width // 2] = (10, 10, 250)
    return image


def encode(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb(side=30_000):
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def test_path_bytes_array_and_pil_agree(tmp_path):
    array = scene()
    picture = Image.fromarray(array)
    picture.save(tmp_path / "a.png")
    for source in (
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        encode(picture, "PNG"),
        picture,
        array,
    ):
        pixels, notices = load_image(source)
        assert np.array_equal(pixels, array)
        assert notices == ()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_undone(orientation):
    stored = Image.fromarray(scene())
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    for step in undo.get(orientation, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(load_image(encode(stored, "PNG", exif=exif))[0], scene())


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.linspace(0, 65535, 40 * 30).reshape(30, 40).astype(np.uint16)
    pixels, _ = load_image(encode(Image.fromarray(values), "PNG"))
    assert pixels[0, 0, 0] == 0
    assert pixels[-1, -1, 0] == 255
    assert abs(int(pixels[15, 0, 0]) - values[15, 0] / 257) <= 1


def test_cmyk_jpeg():
    cmyk = Image.fromarray(scene()).convert("CMYK")
    pixels, _ = load_image(encode(cmyk, "JPEG", quality=95))
    assert np.abs(pixels[5, 5].astype(int) - (250, 10, 10)).max() < 25


def test_transparency_is_laid_over_white():
    clear = np.zeros((20, 20, 4), dtype=np.uint8)
    clear[:10] = (0, 0, 0, 255)
    for source in (clear, encode(Image.fromarray(clear), "PNG")):
        pixels, _ = load_image(source)
        assert pixels[0, 0].tolist() == [0, 0, 0]
        assert pixels[19, 0].tolist() == [255, 255, 255]


def test_palette_with_transparency():
    palette = Image.fromarray(scene()).convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    pixels, _ = load_image(encode(palette, "PNG", transparency=palette.getpixel((0, 0))))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert np.abs(pixels[0, 39].astype(int) - (10, 250, 10)).max() < 10


@pytest.mark.parametrize("mode", ["1", "L", "LA", "F", "I"])
def test_other_modes(mode):
    grey = Image.fromarray(scene()).convert("L")
    if mode == "I":
        grey = Image.fromarray(np.asarray(grey, dtype=np.int32) * 257)
    pixels, _ = load_image(grey.convert(mode) if mode != "I" else grey)
    assert pixels.shape == (30, 40, 3)
    assert pixels.dtype == np.uint8


def test_animation_gives_its_first_frame():
    frames = [Image.fromarray(scene()), Image.fromarray(255 - scene())]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    pixels, notices = load_image(data)
    assert np.abs(pixels[0, 0].astype(int) - scene()[0, 0]).max() < 10
    assert [notice.code for notice in notices] == ["animated_first_frame"]


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("empty.jpg", b"", EmptyImageFileError),
        ("text.jpg", b"this is no picture", NotAnImageError),
        ("cut.jpg", encode(Image.fromarray(scene(200, 200)), "JPEG")[:900], TruncatedImageError),
        ("cut.png", encode(Image.fromarray(scene(200, 200)), "PNG")[:200], TruncatedImageError),
        ("dot.png", encode(Image.new("RGB", (1, 1)), "PNG"), ImageTooSmallError),
        ("bomb.png", bomb(), ImageTooLargeError),
    ],
)
def test_bad_files_by_path_and_bytes(tmp_path, name, data, error):
    path = tmp_path / name
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error) as by_path:
            load_image(path)
        with pytest.raises(error):
            load_image(data)
    assert by_path.value.item == str(path)
    assert str(path) in by_path.value.message


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(ImageNotFoundError):
        load_image(tmp_path / "none.jpg")
    with pytest.raises(ImageIsDirectoryError):
        load_image(tmp_path)
    with pytest.raises(ImageNotFoundError):
        load_image("nul\0byte.jpg")
    with pytest.raises(ImageNotFoundError):
        load_image("a" * 5000)


@pytest.mark.parametrize("source", [5, None, bytearray(b"x")])
def test_no_picture_at_all(source):
    with pytest.raises(NotAnImageError, match=type(source).__name__):
        load_image(source)


@pytest.mark.parametrize(
    "array",
    [np.zeros((10, 10, 3)), np.zeros((10, 10, 2), np.uint8), np.zeros(10, np.uint8)],
)
def test_bad_arrays_name_shape_and_type(array):
    with pytest.raises(NotAnImageError, match=str(array.dtype)):
        load_image(array)


def test_small_and_large_arrays():
    with pytest.raises(ImageTooSmallError):
        load_image(np.zeros((0, 10, 3), np.uint8))
    with pytest.raises(ImageTooSmallError):
        load_image(np.zeros((7, 10, 3), np.uint8))
    with pytest.raises(ImageTooLargeError):
        load_image(np.zeros((20, 20, 3), np.uint8), max_pixels=399)
    assert load_image(np.full((9, 9), 7, np.uint8))[0].shape == (9, 9, 3)


def test_reads_the_documented_formats_and_no_other():
    picture = Image.fromarray(scene())
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "MPO"):
        assert load_image(encode(picture, kind))[0].shape == (30, 40, 3)
    for kind in ("ICO", "PPM", "TGA", "EPS", "JPEG2000", "PCX"):
        with pytest.raises(NotAnImageError):
            load_image(encode(picture, kind))


def test_jpeg_that_repeats_its_scans_is_refused():
    data = encode(Image.fromarray(scene(64, 64)), "JPEG", progressive=True)
    table = data.rfind(b"\xff\xc4", 0, data.rfind(b"\xff\xda"))
    last = data[table:-2]
    assert load_image(data[:-2] + last * 40 + data[-2:])[0].shape == (64, 64, 3)
    with pytest.raises(ImageTooLargeError, match="scans"):
        load_image(data[:-2] + last * 65 + data[-2:])


def test_what_only_looks_like_scans_of_a_jpeg_is_no_obstacle():
    comment = b"\xff\xda" * 100
    data = encode(Image.fromarray(scene()), "JPEG", comment=comment)
    assert data.count(b"\xff\xda") > 100
    assert load_image(data + comment)[0].shape == (30, 40, 3)


def test_damaged_exif_is_a_damaged_picture():
    # A width that is a text, beside an orientation: what is to be turned is written again without it.
    entries = [(0x0100, 2, 6, 38), (0x0112, 3, 1, 6 << 16)]
    block = b"MM\0*\0\0\0\x08" + struct.pack(">H", 2)
    block += b"".join(struct.pack(">HHII", *entry) for entry in entries) + b"\0\0\0\0henlo\0"
    data = encode(Image.fromarray(scene()), "JPEG", exif=b"Exif\0\0" + block)
    for source in (data, Image.open(io.BytesIO(data))):
        with pytest.raises(TruncatedImageError, match="damaged"):
            load_image(source)


def test_large_pictures_are_read_in_strips_alike():
    random = np.random.default_rng(7)
    height, width = 1700, 1301
    clear = random.integers(0, 256, (height, width, 4), dtype=np.uint8)
    white = Image.new("RGBA", (width, height), "white")
    over = np.asarray(Image.alpha_composite(white, Image.fromarray(clear)).convert("RGB"))
    assert np.array_equal(load_image(clear)[0], over)
    # What it is scaled by stands in the last row alone.
    values = np.full((height, width), 0.5, np.float32)
    values[-1, -1] = 255
    pixels = load_image(Image.fromarray(values))[0]
    assert (pixels[0].max(), pixels[-1, -1].tolist()) == (1, [255, 255, 255])


def test_an_images_own_pixels_stay_as_they_are():
    exif = Image.Exif()
    exif[0x0112] = 6
    given = Image.open(io.BytesIO(encode(Image.fromarray(scene()), "PNG", exif=exif)))
    assert load_image(given)[0].shape == (40, 30, 3)
    assert given.size == (40, 30)
    assert load_image(given)[0].shape == (40, 30, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the peak")
@pytest.mark.parametrize("mode", ["RGBA", "F"])
def test_reading_takes_little_more_memory_than_the_pixels(tmp_path, mode):
    side = 3000
    Image.new(mode, (side, side)).save(tmp_path / "a.tiff", compression="tiff_lzw")
    code = """
import sys
from emofuse.preprocess import load_image
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
load_image(sys.argv[1])
print(peak() - before)
"""
    run = [sys.executable, "-c", code, str(tmp_path / "a.tiff")]
    grown = 1024 * int(subprocess.run(run, capture_output=True, check=True, text=True).stdout)
    assert 7 * side * side < grown < 11 * side * side
