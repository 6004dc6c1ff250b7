"""The page that people try: everything emofuse reads, in a browser on the same machine."""

from emofuse.demo.page import build_demo
from emofuse.demo.pairs import Corpus, open_corpus
from emofuse.demo.server import create_app, run_demo

__all__ = ["Corpus", "build_demo", "create_app", "open_corpus", "run_demo"]
