"""From a key frame's bytes to a JPEG; the only door to PyAV. FFmpeg only decodes here, it never sees the network."""

from __future__ import annotations

import asyncio
import functools
import io
from concurrent.futures import ThreadPoolExecutor

from drivers.onvif.errors import CameraError, Code

POINTS = 16_777_216
"""Points of a picture; more is not decoded."""
WIDTH = 1920
BYTES = 2_000_000
"""Bytes of the JPEG."""
_CODECS = {"H264": "h264", "H265": "hevc", "JPEG": "mjpeg"}


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, "key-frame")


async def jpeg(encoding: str, data: bytes) -> bytes:
    """A JPEG of a key frame, at most `WIDTH` points wide. Raises CameraError."""
    return await asyncio.get_running_loop().run_in_executor(_pool(), decode, encoding, data)


def decode(encoding: str, data: bytes) -> bytes:
    """The same, in this thread."""
    import av  # noqa: PLC0415 - 25 MB that most hubs never need
    from av.video.codeccontext import VideoCodecContext  # noqa: PLC0415 - as above

    try:
        context = av.CodecContext.create(_CODECS[encoding], "r")
        assert isinstance(context, VideoCodecContext)  # noqa: S101 - by its name
        context.thread_count = 1
        context.options = {"max_pixels": str(POINTS)}
        frames = [*context.decode(av.Packet(data)), *context.decode(None)]
        if not frames:
            raise CameraError(Code.NOT_A_PICTURE, "its key frame gives no picture")
        frame = frames[0]
        width = min(frame.width, WIDTH)
        height = max(frame.height * width // frame.width, 1)
        out = io.BytesIO()
        frame.reformat(width=width, height=height, format="rgb24").to_image().save(out, "JPEG", quality=85)
    except (av.FFmpegError, ValueError, ArithmeticError, OSError, MemoryError) as e:
        raise CameraError(
            Code.NOT_A_PICTURE, f"its key frame cannot be decoded ({type(e).__name__})"
        ) from None
    if out.tell() > BYTES:
        raise CameraError(Code.TOO_LARGE, f"its picture is larger than {BYTES:,} bytes")
    return out.getvalue()
