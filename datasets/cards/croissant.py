"""Croissant 1.1 (JSON-LD) with the fields of its vocabulary for responsible AI that follow from how a version was made. Pure.

Specification: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html and …/croissant-rai-spec.html
"""

from collections.abc import Mapping
from typing import Any

from .about import About, Part

CONTEXT: dict[str, Any] = {
    "@language": "zh", "@vocab": "https://schema.org/", "sc": "https://schema.org/", "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/", "dct": "http://purl.org/dc/terms/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field", "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField",
    "path": "cr:path", "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
    "samplingRate": "cr:samplingRate", "equivalentProperty": "cr:equivalentProperty",
    "replace": "cr:replace", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
FORMATS = {"parquet": "application/x-parquet", "jsonl": "application/jsonlines"}


def croissant(about: About) -> dict[str, Any]:
    """The description of the bundle's data files, each with its checksum, and of their columns."""
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": f"{about.slug}-v{about.number}",
        "description": f"{about.name}: {about.records} pairs of instruction and response in Chinese, each decided by a person.",
        "license": [about.licence_url or licence or "unknown" for licence in about.licences] or ["unknown"],
        "url": "README.md",
        "version": f"{about.number}.0.0",
        "datePublished": about.frozen_on,
        "inLanguage": "zh",
        "citeAs": f"{about.name}, version {about.number}, sha256 {about.sha256}",
        "isLiveDataset": False,
        "distribution": [_file(part) for part in about.parts],
        "recordSet": [_records(part) for part in about.parts if part.name.endswith(".jsonl")],
        **_responsible(about),
    }


def _file(part: Part) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject", "@id": part.name, "name": part.name, "contentUrl": part.name,
        "contentSize": f"{part.bytes} B", "encodingFormat": FORMATS[part.name.rsplit(".", 1)[1]], "sha256": part.sha256,
    }  # fmt: skip


def _records(part: Part) -> dict[str, Any]:
    name = f"{part.config}_{part.split}"
    fields = [field for column, value in part.columns.items() for field in _fields(name, part.name, column, value)]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "description": f"{part.rows} rows", "field": fields}


def _fields(records: str, file: str, column: str, value: Any) -> list[dict[str, Any]]:
    """A field for a column; of a column that holds an object, one for each of its parts."""
    if isinstance(value, Mapping):
        return [_field(records, file, column, inner, part) for part, inner in value.items()]
    return [_field(records, file, column, value)]


def _field(records: str, file: str, column: str, value: Any, part: str = "") -> dict[str, Any]:
    is_list, name = isinstance(value, list), f"{column}.{part}" if part else column
    transformed = {"transform": {"jsonPath": f"$.{part}"}} if part else {}
    made: dict[str, Any] = {
        "@type": "cr:Field", "@id": f"{records}/{name}", "name": f"{records}/{name}",
        "dataType": "sc:Boolean" if isinstance(value, bool) else "sc:Text",
        "source": {"fileObject": {"@id": file}, "extract": {"column": column}, **transformed},
    }  # fmt: skip
    return made | ({"repeated": True} if is_list else {})


def _responsible(about: About) -> dict[str, Any]:
    """What only the tool that made it can say by itself."""
    facts, agreement = about.facts, about.facts.get("agreement", {})
    several, agreed = agreement.get("several", 0), agreement.get("agreed", 0)
    screens = sorted({screen for source in about.sources for screen in source.get("screens", ())})
    models = sorted({f"{used['model']} ({used['prompt']}, sha256 {used['sha256'][:12]})" for used in facts.get("models", ())})
    wanted = sorted({source.get("reviews_wanted", 1) for source in about.sources})
    sources = ", ".join(f"{source['name']} ({source['platform']})" for source in about.sources)
    said = {
        "dataCollection": f"Posts of {sources or 'no source'}, imported from files.",
        "dataCollectionTimeframe": [facts[key] for key in ("decided_from", "decided_to") if facts.get(key)],
        "dataPreprocessingProtocol": [
            f"Screens: {', '.join(screens) or 'none'}.",
            f"Left out by the recipe: {dict(about.left_out) or 'nothing'}.",
        ],
        "dataAnnotationProtocol": (
            f"Every pair was read and accepted, edited or rejected by a person; {facts.get('reviewers', 0)} reviewers. "
            f"Decisions behind the records: {facts.get('verdicts', {})}. Guidelines are in README.md."
        ),
        "annotationsPerItem": ", ".join(map(str, wanted)) or "1",
        "machineAnnotationTools": models or ["none"],
        "dataAnnotationAnalysis": [f"{several} records were decided by several people; all of them kept the very same text in {agreed}."],
        "personalSensitiveInformation": [
            "Authors are pseudonyms (HMAC) and not part of the records; a check for phone numbers and the like blocks acceptance."
        ],
        "dataReleaseMaintenancePlan": (
            "Versions never change. A post that is taken down is out of every later version, and versions that contain it are withdrawn."
        ),
    }
    return {f"rai:{key}": value for key, value in said.items()}
