"""Label sets and the tables between them."""

from emofuse.taxonomy.label_mapping import LabelMapping, build_mapping, load_mapping
from emofuse.taxonomy.taxonomy import (
    OWN,
    POLARITIES,
    Taxonomy,
    build_taxonomy,
    list_taxonomies,
    load_taxonomy,
    main_output,
    name_own_labels,
)

__all__ = [
    "OWN",
    "POLARITIES",
    "LabelMapping",
    "Taxonomy",
    "build_mapping",
    "build_taxonomy",
    "list_taxonomies",
    "load_mapping",
    "load_taxonomy",
    "main_output",
    "name_own_labels",
]
