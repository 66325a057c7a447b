"""The shipped manifests: judged by Kubernetes' own schemas, and compared with what the image and the program say."""

import re
import shutil
import subprocess

import pytest
import yaml

from monitor.config.document import SiteSection
from monitor.config.files import CONFIGURATION, STATE
from monitor.config.load import load_config
from monitor.web.server import LOCAL_NAMES
from tests.backstage import ROOT
from tests.container.recipe import stages

FILE = ROOT / "deploy" / "kubernetes" / "provider-monitor.yaml"
MANIFESTS = {one["kind"]: one for one in yaml.safe_load_all(FILE.read_text())}
VERSIONS = ("1.25", "1.29", "1.33", "1.37")
OVERLAYS = sorted((ROOT / "deploy" / "kustomize").iterdir())
IMAGE = stages((ROOT / "Dockerfile").read_text())[-1]


@pytest.fixture
def pod():
    return MANIFESTS["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture
def container(pod):
    (one,) = pod["containers"]
    return one


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", MANIFESTS)
def test_kubernetes_knows_every_field(kind, version):
    schemas = pytest.importorskip("kubernetes_validate", reason="the extra `kubernetes` is not installed")

    schemas.validate(MANIFESTS[kind], version, strict=True)


def test_an_unknown_field_would_be_found():
    schemas = pytest.importorskip("kubernetes_validate", reason="the extra `kubernetes` is not installed")
    wrong = MANIFESTS["Service"] | {"spec": MANIFESTS["Service"]["spec"] | {"port": 80}}

    with pytest.raises(schemas.ValidationError):
        schemas.validate(wrong, VERSIONS[-1], strict=True)


def test_it_may_do_no_more_than_the_restricted_standard_lets_it(pod, container):
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_user_and_places_are_those_of_the_image(pod, container):
    user, group = map(int, IMAGE.last("USER")[0].split(":"))
    places = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}

    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (user, group)
    assert pod["securityContext"]["fsGroup"] == group
    assert (places["config"], places["data"]) == (IMAGE.last("WORKDIR")[0], IMAGE.last("VOLUME")[0])
    assert (places["config"], places["data"]) == (str(CONFIGURATION), str(STATE))


def test_two_never_work_on_one_database():
    spec = MANIFESTS["Deployment"]["spec"]

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert MANIFESTS["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_each_probe_asks_where_and_as_the_page_answers(container):
    (port,) = container["ports"]
    assert port["containerPort"] == SiteSection().port == int(IMAGE.last("EXPOSE")[0])
    assert container["readinessProbe"]["tcpSocket"]["port"] == port["name"]
    for name in ("startupProbe", "livenessProbe"):
        asked = container[name]["httpGet"]
        assert asked["port"] == port["name"]
        (header,) = asked["httpHeaders"]
        assert header["name"] == "Host"
        assert header["value"] in LOCAL_NAMES


def test_its_configuration_is_right_and_has_the_keys_it_names(tmp_path):
    (tmp_path / "monitor.toml").write_text(MANIFESTS["ConfigMap"]["data"]["monitor.toml"])
    config = load_config(
        tmp_path / "monitor.toml", dict.fromkeys(MANIFESTS["Secret"]["stringData"], "sk-" + "a1B2" * 10)
    )

    assert config.accounts
    assert [one.problem for one in config.accounts.values()] == [None] * len(config.accounts)


def test_readers_within_the_cluster_use_the_name_that_the_page_answers_to():
    text = MANIFESTS["ConfigMap"]["data"]["monitor.toml"]

    assert f'url = "http://{MANIFESTS["Service"]["metadata"]["name"]}"' in text


def built(folder):
    """Return what Kustomize makes of a folder, by kind."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl, which brings Kustomize, is not installed")
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}


def test_the_base_is_the_file_as_it_is():
    assert built(FILE.parent) == MANIFESTS


@pytest.mark.parametrize("folder", [FILE.parent, *OVERLAYS], ids=lambda one: one.name)
def test_each_file_that_a_kustomization_names_is_there(folder):
    said = yaml.safe_load((folder / "kustomization.yaml").read_text())
    made = [*said.get("configMapGenerator", []), *said.get("secretGenerator", [])]
    named = [*said["resources"], *(file for one in made for file in [*one.get("files", []), *one.get("envs", [])])]

    assert [one for one in named if not (folder / one).exists()] == []


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda one: one.name)
def test_kubernetes_knows_every_field_of_what_kustomize_makes(folder):
    schemas = pytest.importorskip("kubernetes_validate", reason="the extra `kubernetes` is not installed")
    for one in built(folder).values():
        schemas.validate(one, VERSIONS[-1], strict=True)


def test_behind_an_ingress_the_configuration_the_host_and_the_image_are_ones_own():
    made = built(ROOT / "deploy" / "kustomize" / "ingress")
    (rule,), (tls,) = made["Ingress"]["spec"]["rules"], made["Ingress"]["spec"]["tls"]
    (container,) = made["Deployment"]["spec"]["template"]["spec"]["containers"]

    assert f'url = "https://{rule["host"]}"' in made["ConfigMap"]["data"]["monitor.toml"]
    assert tls["hosts"] == [rule["host"]]
    assert rule["http"]["paths"][0]["backend"]["service"]["name"] == made["Service"]["metadata"]["name"]
    assert container["image"] == "registry.example.com/provider-monitor:0.1.0"
    assert {one["metadata"].get("namespace") for one in made.values()} == {None, "provider-monitor"}
    assert set(made["Secret"]["data"]) == set(re.findall(r"env:(\w+)", made["ConfigMap"]["data"]["monitor.toml"]))


def test_rounds_of_a_cronjob_are_the_pod_of_the_deployment_and_never_two_at_once(pod):
    made = built(ROOT / "deploy" / "kustomize" / "cronjob")
    assert "Deployment" not in made
    assert "Service" not in made
    spec = made["CronJob"]["spec"]
    assert (spec["concurrencyPolicy"], spec["jobTemplate"]["spec"]["backoffLimit"]) == ("Forbid", 0)

    round_pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (own,), (other,) = round_pod["containers"], pod["containers"]
    assert round_pod["securityContext"] == pod["securityContext"]
    for name in ("image", "envFrom", "securityContext", "resources"):
        assert own[name] == other[name], name
    assert {one["name"] for one in own["volumeMounts"]} == {one["name"] for one in round_pod["volumes"]}
    assert all(one in pod["volumes"] for one in round_pod["volumes"])


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (1, 0), (2, 1)])
def test_an_account_that_is_down_fails_no_job(tmp_path, code, ends):
    made = yaml.safe_load((ROOT / "deploy" / "kustomize" / "cronjob" / "cronjob.yaml").read_text())
    (container,) = made["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    program = tmp_path / "provider-monitor"
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(0o755)

    done = subprocess.run(container["command"], env={"PATH": f"{tmp_path}:/bin:/usr/bin"}, check=False)
    assert done.returncode == ends
