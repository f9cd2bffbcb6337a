"""Why somebody is kept is stated, changed and taken back over HTTP."""

from server_toys import Client, png

ADA = "/v1/galleries/family/subjects/Ada"


def enrol(admin: Client) -> None:
    made = admin.post(f"{ADA}/references", files=[("image", ("a.png", png(1), "image/png"))])
    assert made.status_code == 201


def identified(admin: Client) -> str | None:
    told = admin.post(
        "/v1/galleries/family/identifications?fpir=0.1", files=[("image", ("a.png", png(1), "image/png"))]
    )
    return told.json()["probes"][0]["decision"]


def test_a_statement_is_answered_and_shown(admin: Client) -> None:
    enrol(admin)
    stated = admin.request("PUT", f"{ADA}/consent", json={"scope": "the door", "expires": "2999-01-01"})
    assert stated.status_code == 200
    assert stated.json()["expires"] == "2999-01-01T00:00:00Z"
    assert admin.get(ADA).json()["consent"] == stated.json()


def test_who_withdraws_is_not_found_and_who_renews_is(admin: Client) -> None:
    enrol(admin)
    assert not admin.delete(f"{ADA}/consent").json()["in_force"]
    assert identified(admin) != "Ada"
    admin.request("PUT", f"{ADA}/consent", json={"basis": "contract"})
    assert admin.get(ADA).json()["consent"]["in_force"]


def test_a_date_that_is_none_is_refused(admin: Client) -> None:
    enrol(admin)
    answer = admin.request("PUT", f"{ADA}/consent", json={"expires": "soon"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:mien:consent-date")
    assert admin.get(ADA).json()["consent"] is None


def test_nobody_has_no_consent(admin: Client) -> None:
    assert admin.request("PUT", f"{ADA}/consent", json={}).status_code == 404
    assert admin.delete(f"{ADA}/consent").status_code == 404
