"""Read letters in a separate process, so that a letter that hangs or crashes the reader does no harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from multiprocessing import get_context
from typing import TYPE_CHECKING, Self

from imr_ml.desk.form import DeskError
from imr_ml.errors import ImrError
from imr_ml.letters.reader import read_content

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from imr_ml.letters.types import Letter

    ReadContent = Callable[..., Letter]

TEXT_SECONDS, OCR_SECONDS = 60, 300


class LetterReader:
    """Reads letters one at a time in a separate process.

    Parameters
    ----------
    ocr : bool
        Read scanned pages by OCR.
    seconds : float, optional
        Maximum time per letter; default: 60, with OCR 300.
    read : callable, optional
        Function that reads the content of a file; default: `read_content`.
    """

    def __init__(self, *, ocr: bool = False, seconds: float | None = None, read: ReadContent = read_content) -> None:
        self._ocr = ocr
        self.seconds = seconds or (OCR_SECONDS if ocr else TEXT_SECONDS)
        self._read = read
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Self:
        with self._lock:
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._stop()

    def read(self, content: bytes, name: str) -> Letter:
        """Read a letter from the content of a file; errors cite `name`.

        Raises
        ------
        DeskError
            If the content is not a letter, takes too long or crashes the process.
        """
        with self._lock:
            try:
                result = self._request(content, name)
            except (EOFError, OSError):
                self._stop()
                raise DeskError(f"{name}: can't be read (the reader crashed); is it damaged?") from None
        if isinstance(result, str):
            raise DeskError(result)
        return result

    def _request(self, content: bytes, name: str) -> Letter | str:
        pipe = self._start()
        pipe.send((content, name, self._ocr))
        if not pipe.poll(self.seconds):
            self._stop()
            raise DeskError(f"{name}: took more than {self.seconds:g} seconds to read; is it a determination?")
        result: Letter | str = pipe.recv()
        return result

    def _start(self) -> Connection:
        if self._pipe is None:
            # A fork would copy locks that other threads hold.
            context = get_context("spawn")
            self._pipe, child_pipe = context.Pipe()
            self._process = context.Process(target=_read_letters, args=(child_pipe, self._read), daemon=True)
            self._process.start()
            child_pipe.close()
        return self._pipe

    def _stop(self) -> None:
        if self._pipe is not None and self._process is not None:
            self._pipe.close()
            self._process.kill()
            self._process.join()
        self._pipe = self._process = None


def _read_letters(pipe: Connection, read: ReadContent) -> None:
    """Send back letters, or error messages, until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            content, name, ocr = pipe.recv()
        except EOFError:
            return
        try:
            result: Letter | str = read(content, name, ocr=ocr)
        except ImrError as error:
            result = str(error)
        except Exception as error:  # noqa: BLE001 - a broken letter must not end the process
            result = f"{name}: can't be read ({type(error).__name__}); is it damaged?"
        pipe.send(result)
