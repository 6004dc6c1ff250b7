"""Why an answer came out as it did: which words, which parts of a face or a photo, which modality.

from emofuse import Sample
from emofuse.explain import SampleExplainer

report = SampleExplainer.load().explain(Sample(text="I am so proud of you", image="photo.jpg"))
for word in report.explanations[0].words:
    print(word.text, word.attribution)
"""

from emofuse.explain.explanation import Explainer, Explanation, HeatMap, Word
from emofuse.explain.registry import (
    DEFAULT_METHODS,
    METHODS,
    NO_BETTER_THAN_CHANCE,
    build_explainer,
    methods_of,
)
from emofuse.explain.report import Report, SampleExplainer
from emofuse.explain.subject import SubjectReader

__all__ = [
    "DEFAULT_METHODS",
    "METHODS",
    "NO_BETTER_THAN_CHANCE",
    "Explainer",
    "Explanation",
    "HeatMap",
    "Report",
    "SampleExplainer",
    "SubjectReader",
    "Word",
    "build_explainer",
    "methods_of",
]
