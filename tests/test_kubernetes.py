"""The shipped manifests: judged by Kubernetes' own schemas, and compared with what the image and the program say."""

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
