"""Documents against published schemas, which are inside installed packages."""

import json
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import kubernetes_validate

# The oldest release the manifests are meant for, and a current one.
KUBERNETES_VERSIONS = ["1.28", "1.34"]


def compose_problems(document):
    """Against the Compose Specification's schema. Yields a line per problem."""
    # Found, not imported: the package's own program, which is not used here, needs more packages.
    package = Path(find_spec("check_jsonschema").origin).parent
    schema = json.loads((package / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    for error in validator.iter_errors(document):
        yield f"{error.json_path}: {error.message}"


def kubernetes_problems(document):
    """Against the API's schema, unknown fields refused. Yields a line per problem."""
    for version in KUBERNETES_VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(str(part) for part in error.absolute_path)
            yield f"Kubernetes {version}: {path}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield error.message
