import configparser
import importlib.util
import json
import re
from pathlib import Path

import pytest
import yaml

from emofuse.cli import cli
from emofuse.serve import Settings, create_app

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
KUBERNETES = {
    found["kind"]: found
    for path in (ROOT / "examples/kubernetes").glob("*.yaml")
    for found in [yaml.safe_load(path.read_text(encoding="utf-8"))]
}
POD = KUBERNETES["Deployment"]["spec"]["template"]["spec"]
UNIT = configparser.ConfigParser(strict=False, interpolation=None)
UNIT.optionxform = str
UNIT.read(ROOT / "examples/systemd/emofuse.service")
PORT = Settings.model_fields["port"].default
GRACE_S = Settings.model_fields["batch_deadline_s"].default
FILES = [
    ROOT / "Dockerfile",
    ROOT / "compose.yaml",
    *(path for path in (ROOT / "examples").rglob("*") if path.suffix in {".yaml", ".service", ".example"}),
    ROOT / "docs/service.md",
]


def last(instruction: str) -> str:
    return re.findall(rf"^{instruction} (.*)$", DOCKERFILE, flags=re.MULTILINE)[-1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_names_only_settings_that_exist(path: Path) -> None:
    named = re.findall(r"EMOFUSE_([A-Z0-9_]+)", path.read_text(encoding="utf-8"))
    assert {name.lower() for name in named} - {"name"} <= set(Settings.model_fields)


def test_image_runs_the_service_as_nobody() -> None:
    command = json.loads(last("ENTRYPOINT")) + json.loads(last("CMD"))
    assert command == ["emofuse", "serve"]
    assert "serve" in cli.list_commands(None)
    user, group = map(int, last("USER").split(":"))
    assert min(user, group) > 0
    assert f"useradd --uid {user} " in DOCKERFILE
    assert f"EMOFUSE_PORT={PORT} " in DOCKERFILE
    assert int(last("EXPOSE")) == PORT
    assert f"EMOFUSE_DATABASE_URL=sqlite:///{last('VOLUME')}/" in DOCKERFILE


def test_image_copies_what_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    copied = {
        name for own in re.findall(r"^COPY ([^-].*) \S+$", DOCKERFILE, re.MULTILINE) for name in own.split()
    }
    assert copied == {line[1:] for line in ignored if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)


def test_probes_ask_paths_that_exist() -> None:
    paths = set(create_app(Settings()).openapi()["paths"])
    [container] = POD["containers"]
    probes = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")}
    assert probes == {"/healthz", "/readyz"} <= paths
    assert "/healthz" in DOCKERFILE.partition("HEALTHCHECK")[2].partition("ENTRYPOINT")[0]


def test_compose_grants_little() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        for mount in service.get("volumes", ()):
            source = mount.partition(":")[0]
            assert (ROOT / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]
    emofuse = COMPOSE["services"]["emofuse"]
    assert emofuse["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert emofuse["volumes"] == [f"data:{last('VOLUME')}"]
    assert int(emofuse["stop_grace_period"].removesuffix("s")) > GRACE_S


def test_prometheus_asks_the_service_with_its_key() -> None:
    [job] = yaml.safe_load((ROOT / "examples/compose/prometheus.yml").read_text(encoding="utf-8"))[
        "scrape_configs"
    ]
    assert job["static_configs"] == [{"targets": [f"emofuse:{PORT}"]}]
    assert job["metrics_path"] in create_app(Settings()).openapi()["paths"]
    [secret] = COMPOSE["services"]["prometheus"]["secrets"]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{secret}"


def test_pods_grant_little_and_find_each_other() -> None:
    [container] = POD["containers"]
    assert container["args"] == json.loads(last("CMD"))
    assert container["ports"] == [{"name": "http", "containerPort": PORT}]
    assert {"name": "EMOFUSE_PORT", "value": str(PORT)} in container["env"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert f"{POD['securityContext']['runAsUser']}:{POD['securityContext']['runAsGroup']}" == last("USER")
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp", last("VOLUME")}
    stop_s = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["terminationGracePeriodSeconds"] > stop_s + GRACE_S
    labels = KUBERNETES["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert KUBERNETES["Service"]["spec"]["selector"] == labels
    for kind, selector in (
        ("Deployment", "selector"),
        ("PodDisruptionBudget", "selector"),
        ("NetworkPolicy", "podSelector"),
    ):
        assert KUBERNETES[kind]["spec"][selector] == {"matchLabels": labels}
    assert KUBERNETES["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "emofuse"


def test_examples_score_with_options_that_exist() -> None:
    options = {name for option in cli.get_command(None, "score").params for name in option.opts}
    files = [path for path in FILES if "emofuse score " in path.read_text(encoding="utf-8")]
    assert {path.name for path in files} == {"cluster.yaml", "rayjob.yaml"}
    for path in files:
        named = re.findall(r"\s(--?[a-z-]+)", re.findall(r"emofuse score .*", path.read_text("utf-8"))[0])
        assert set(named) <= options, path.name
        assert {"--engine", "--address", "--workers", "--resume"} <= set(named), path.name


def test_cluster_follows_the_schema_of_ray() -> None:
    ray = importlib.util.find_spec("ray")
    if ray is None:
        pytest.skip("Ray is not installed.")
    cluster = yaml.safe_load((ROOT / "examples/ray/cluster.yaml").read_text(encoding="utf-8"))
    schema = Path(ray.origin).with_name("autoscaler") / "ray-schema.json"
    pytest.importorskip("jsonschema").validate(cluster, json.loads(schema.read_text()))
    workers = cluster["available_node_types"]["worker"]
    assert cluster["head_node_type"] in cluster["available_node_types"]
    assert workers["max_workers"] == cluster["max_workers"]


def test_ray_pods_see_the_same_tables_and_grant_little() -> None:
    job = KUBERNETES["RayJob"]["spec"]
    [workers] = job["rayClusterSpec"]["workerGroupSpecs"]
    head = job["rayClusterSpec"]["headGroupSpec"]
    for group in (head, workers):
        pod = group["template"]["spec"]
        [container] = pod["containers"]
        [mount] = container["volumeMounts"]
        assert f" {mount['mountPath']}/in.parquet -o {mount['mountPath']}/" in job["entrypoint"]
        assert [volume["name"] for volume in pod["volumes"]] == [mount["name"]]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        version = (ROOT / "examples/ray/Dockerfile").read_text().partition("ray:")[2].partition("-")[0]
        assert job["rayClusterSpec"]["rayVersion"] == version
    assert head["rayStartParams"] == {"num-cpus": "0"}
    slots = workers["maxReplicas"] * int(container["resources"]["limits"]["cpu"])
    assert f"--workers {slots} " in job["entrypoint"]


def test_unit_grants_little() -> None:
    unit = UNIT["Service"]
    assert unit["ExecStart"].split()[1:] == ["serve"]
    assert (
        unit["Environment"]
        == f"EMOFUSE_DATABASE_URL=sqlite:////var/lib/{unit['StateDirectory']}/service.sqlite"
    )
    assert unit["User"] != "root"
    for name in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "RestrictNamespaces"):
        assert unit[name] == "yes"
    assert (unit["ProtectSystem"], unit["CapabilityBoundingSet"]) == ("strict", "")
    assert int(unit["TimeoutStopSec"]) > GRACE_S
