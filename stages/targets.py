"""Write a data set's specification: attribute, contexts and their targets P*(.|c)."""

from pathlib import Path

from distalign.data.targets import TargetsParams, dataset_spec
from distalign.records.files import read_attribute, write_json
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        dataset="name of the data set in params.yaml",
        attributes="folder with one YAML file an attribute",
        out="JSON file to write",
    )
    params = block(TargetsParams, "targets")
    definition = params.dataset(args.dataset)
    names = {part.attribute for part in definition.parts(args.dataset).values()}
    attributes = {name: read_attribute(args.attributes / f"{name}.yaml") for name in names}
    spec = dataset_spec(args.dataset, attributes, definition, Path(), params.max_contexts)
    write_json(args.out, spec.model_dump())


if __name__ == "__main__":
    run(main)
