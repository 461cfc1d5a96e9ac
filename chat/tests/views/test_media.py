import pytest

from chat.services import attachments, ice
from ops.kernel.configuration import services as configuration
from ops.kernel.redaction import MASK

pytestmark = pytest.mark.django_db
PAGE = "/settings/chat/files/"


def test_sizes_are_changed_and_count_at_once(acme, ana, client_of):
    client = client_of(acme, user=ana)
    sizes = {"about": "files", "image_mb": 5, "document_mb": 10, "audio_mb": 16, "video_mb": 30}

    assert client.get(PAGE).status_code == 200
    assert client.post(PAGE, sizes).status_code == 302
    wrong = client.post(PAGE, sizes | {"image_mb": 0})

    assert attachments.limits()["image"] == 5_000_000
    assert wrong.status_code == 422


def test_servers_of_calls_are_kept_and_their_secret_never_shown(acme, ana, client_of, noon):
    client = client_of(acme, user=ana)
    sent = {"about": "calls", "ring_s": 30, "stun_urls": "", "turn_urls": "turn:t.example:3478", "turn_secret": "north"}

    assert client.post(PAGE, sent).status_code == 302
    page = client.get(PAGE).content.decode()
    again = client.post(PAGE, sent | {"turn_secret": MASK, "stun_urls": "https://wrong.example"})
    client.post(PAGE, sent | {"turn_secret": MASK, "ring_s": 40})

    assert "north" not in page
    assert MASK in page
    assert again.status_code == 422
    assert configuration.get(ice.SETTING)["ring_s"] == 40
    assert ice.servers(who="page", now=noon)[0]["username"].endswith(":t_acme.page")


def test_an_agent_does_not_set_this_up(acme, bia, client_of):
    assert client_of(acme, user=bia).get(PAGE).status_code == 403
