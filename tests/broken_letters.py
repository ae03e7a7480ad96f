"""Letter readers that hang or crash, as broken letters can cause; in a module that other processes can import."""

import os
import time

from imr_ml.letters.reader import read_content


def hang(content, name, *, ocr):
    if content == b"hang":
        time.sleep(600)
    return read_content(content, name, ocr=ocr)


def crash(content, name, *, ocr):
    if content == b"crash":
        os.abort()
    if content == b"raise":
        raise RuntimeError(content.decode())
    return read_content(content, name, ocr=ocr)
