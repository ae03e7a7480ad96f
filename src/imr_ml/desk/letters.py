"""Read letters in a separate process, so that a letter that hangs or crashes its reader costs that process only."""

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
        Whether pages that are pictures are read by OCR.
    seconds : float, optional
        Longest time for a letter; default: 60, with OCR 300.
    read : callable, optional
        Reads a file's content in the process; default: `read_content`.
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
        """Read a letter from a file's content; errors cite `name`.

        Raises
        ------
        DeskError
            For what is not a letter, what takes too long, and what ends the process.
        """
        with self._lock:
            try:
                answer = self._answer(content, name)
            except (EOFError, OSError):
                self._stop()
                raise DeskError(f"{name}: can't be read, it made the reader fail; is it damaged?") from None
        if isinstance(answer, str):
            raise DeskError(answer)
        return answer

    def _answer(self, content: bytes, name: str) -> Letter | str:
        pipe = self._start()
        pipe.send((content, name, self._ocr))
        if not pipe.poll(self.seconds):
            self._stop()
            raise DeskError(f"{name}: took more than {self.seconds:g} seconds to read; is it a determination?")
        answer: Letter | str = pipe.recv()
        return answer

    def _start(self) -> Connection:
        if self._pipe is None:
            # A fork would copy threads' locks as they are.
            context = get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_read_letters, args=(theirs, self._read), daemon=True)
            self._process.start()
            theirs.close()
        return self._pipe

    def _stop(self) -> None:
        if self._pipe is not None and self._process is not None:
            self._pipe.close()
            self._process.kill()
            self._process.join()
        self._pipe = self._process = None


def _read_letters(pipe: Connection, read: ReadContent) -> None:
    """Answer with letters, or why there is none, until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            content, name, ocr = pipe.recv()
        except EOFError:
            return
        try:
            answer: Letter | str = read(content, name, ocr=ocr)
        except ImrError as error:
            answer = str(error)
        except Exception as error:  # noqa: BLE001 - whatever a broken letter does to its reader costs that letter only
            answer = f"{name}: can't be read ({type(error).__name__}); is it damaged?"
        pipe.send(answer)
