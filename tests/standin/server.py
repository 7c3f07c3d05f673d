"""Stand-ins for the providers, written from what their pages say and from nothing of this project.

HelpCrunch   docs.helpcrunch.com/rest-api-v1: tag-customer-v1, remove tags, search-customers-v1, get, create, update
1980TIC      the page "API de contactos" (respond.io's API v1)
respond.io   its API v2 as the white labels' pages have it (developers.aelyst.ai, docs.ecuabots.com)
B2Chat       b2chat.gitbook.io: "Adicionar tags a un contacto", "API access", "Recuperar contactos", "Crear contactos";
             removing tags and PATCH as two integrators call them (javieralarcn10/sync-b2chat-shopify, AaronLopezB/b2chat)
A receiver   www.standardwebhooks.com: it checks the signature, and knows by its id what it has had before

It prints its port, serves until its standard input ends, and keeps a list of complaints: every request that a page would
not have sent. Nobody is known who was not seeded or created.

    POST /standin/seed    {"helpcrunch": [{"id": "1", "phone": "+57300"}], ...}
    POST /standin/fail    {"provider": "b2chat", "times": 2, "status": 500}; "done": true does it and fails all the same;
                          "retry_after": "1"; "path" for calls that have this in their path
    POST /standin/mix     {"share": 0.3, "seed": 7}: so much of all calls goes wrong, in every way that there is; 0 ends it
    POST /standin/end     B2Chat's token ends now
    GET  /standin/state   contacts, calls and complaints
"""

import base64
import hashlib
import hmac
import json
import os
import random
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

LOCK = threading.RLock()
KEYS = {"helpcrunch": "hc-key", "1980tic": "tic-token", "respond-io": "rio-token"}
HOOK_SECRET = "whsec_c3RhbmQtaW4gb2YgdGhlIHJlY2VpdmVyIDMyIGJ5dGVz"
B2CHAT_USER, B2CHAT_PASSWORD = "b2-user", "b2-password"


class Answer(Exception):
    """Ends a request: a status and a JSON body, or none."""

    def __init__(self, status, body=None):
        super().__init__(status)
        self.status, self.body = status, body


class Complaint(Answer):
    """A request that the page would not have sent."""


class Provider:
    def __init__(self):
        self.contacts = {}
        self.count = 1000

    def seed(self, contact):
        self.contacts[contact["id"]] = {"phone": contact.get("phone"), "tags": list(contact.get("tags", [])), "fields": {}}

    def new_id(self):
        self.count += 1
        return str(self.count)

    def tag(self, contact, names):
        contact["tags"] += [name for name in dict.fromkeys(names) if name not in contact["tags"]]

    def untag(self, contact, names):
        contact["tags"] = [name for name in contact["tags"] if name not in names]


def texts(values, complain, most=None):
    """A list of texts that are not empty."""
    if not isinstance(values, list) or not values or (most and len(values) > most):
        raise complain(f"not a list of 1 to {most or 'many'} entries: {values!r}")
    for value in values:
        if not isinstance(value, str) or not value.strip():
            raise complain(f"not a name: {value!r}")
    return values


def only(body, keys, complain):
    if not isinstance(body, dict) or set(body) - set(keys):
        raise complain(f"keys other than {keys}: {body!r}")
    return body


class HelpCrunch(Provider):
    BASE = "/helpcrunch/v1"

    @staticmethod
    def errors(status, code, message):
        # "errors" always begins with the general line.
        head = {"code": "invalid_request", "message": "Invalid request"}
        return {"errors": [head, {"code": code, "message": message}]}

    def complain(self, why):
        return Complaint(400, self.errors(400, "customer", why))

    def failure(self, status):
        return self.errors(status, "too_many_requests" if status == 429 else "failure", "Failed on purpose")

    def customer(self, key):
        contact = self.contacts[key]
        tags = [{"name": name, "color": "#c377e0"} for name in contact["tags"]]
        return {
            "id": int(key), "name": None, "email": None, "userId": None, "company": None, "phone": contact["phone"],
            "firstSeen": "1603885746", "lastSeen": "1603885746", "device": None, "unsubscribed": False,
            "blocked": False, "tags": tags, "customData": contact["fields"],
        }

    def known(self, key):
        if not key.isdigit():
            raise self.complain("This value should be of type numeric.")
        if key not in self.contacts:
            raise Answer(404, self.errors(404, "not_found", "Chat not found"))
        return self.contacts[key]

    def names(self, body):
        tags = only(body, ["tags"], self.complain).get("tags")
        if not isinstance(tags, list):
            raise self.complain(f"tags is no list: {body!r}")
        return texts([only(tag, ["name", "color"], self.complain).get("name") for tag in tags], self.complain)

    def call(self, method, path, query, headers, body):
        if headers.get("authorization") != "Bearer " + KEYS["helpcrunch"]:
            raise Answer(401, self.errors(401, "unauthorized", "Unauthorized"))
        if query:
            raise self.complain(f"a query: {query!r}")
        match (method, path):
            case ("PUT", ["customers", key, "tags"]):
                contact = self.known(key)
                self.tag(contact, self.names(body))
                return self.customer(key)
            case ("DELETE", ["customers", key, "tags"]):
                contact = self.known(key)
                self.untag(contact, self.names(body))
                return self.customer(key)
            case ("GET", ["customers", key]):
                self.known(key)
                return self.customer(key)
            case ("POST", ["customers", "search"]):
                return self.search(only(body, ["comparison", "filter", "sort", "order", "offset", "limit"], self.complain))
            case ("POST", ["customers"]):
                only(body, ["name", "email", "userId", "company", "phone", "customData"], self.complain)
                key = self.new_id()
                self.seed({"id": key, "phone": body.get("phone")})
                return self.customer(key)
        raise Complaint(404, self.errors(404, "not_found", f"{method} {path}"))

    def search(self, body):
        found = []
        if body.get("comparison") not in ("AND", "OR"):
            raise self.complain("comparison")
        for condition in body["filter"]:
            only(condition, ["field", "operator", "value"], self.complain)
            if condition["field"] != "customers.phone" or condition["operator"] != "=":
                raise self.complain(f"only phones are searched in this test: {condition!r}")
            found = [key for key, contact in self.contacts.items() if contact["phone"] == condition["value"]]
        page = found[body.get("offset", 0):][:body.get("limit", 100)]
        return {"data": [self.customer(key) for key in page], "total": len(found)}


class Tic1980(Provider):
    BASE = "/1980tic/api/v1"

    @staticmethod
    def error(message):
        return {"status": "error", "message": message, "data": []}

    def complain(self, why):
        return Complaint(403, self.error(why))

    def failure(self, status):
        return self.error("Too many requests" if status == 429 else "Failed on purpose")

    def shown(self, key):
        contact = self.contacts[key]
        fields = {"firstName": None, "lastName": None, "phone": contact["phone"], "email": None} | contact["fields"]
        return {"id": key, "custom_fields": fields, "tags": list(contact["tags"]), "created_at": 1575618542}

    def known(self, key):
        if key not in self.contacts:
            # No 404 is documented; 403 is the general error.
            raise Answer(403, self.error("Contact not found."))
        return self.contacts[key]

    def fields(self, body):
        fields = only(body, ["custom_fields"], self.complain).get("custom_fields")
        if not isinstance(fields, list) or not 0 < len(fields) <= 30:
            raise self.complain(f"not 1 to 30 custom_fields: {body!r}")
        return {only(field, ["name", "value"], self.complain)["name"]: field["value"] for field in fields}

    def call(self, method, path, query, headers, body):
        if headers.get("authorization") != "Bearer " + KEYS["1980tic"]:
            raise Answer(401, self.error("API Token is invalid."))
        match (method, path):
            case ("GET", ["contact", "by_custom_field"]):
                return self.search(query)
            case ("GET", ["contact", key]):
                self.known(key)
                return {"data": self.shown(key)}
            case ("PUT", ["contact", key]):
                self.known(key)["fields"].update(self.fields(body))
                return {"data": {"id": key}}
            case ("POST", ["contact"] | ["contact", ""]):
                fields = self.fields(body)
                key = "cus_" + self.new_id()
                self.seed({"id": key, "phone": fields.pop("phone", None)})
                self.contacts[key]["fields"] = fields
                return {"data": {"id": key}}
            case ("POST", ["contact", key, "tags"]):
                self.tag(self.known(key), self.names(body))
                return {"status": "success", "message": "Contact Tags have been added successfully.", "data": []}
            case ("DELETE", ["contact", key, "tags"]):
                self.untag(self.known(key), self.names(body))
                return {"status": "success", "message": "Contact Tags deleted successfully.", "data": []}
        raise Complaint(405, self.error("405 Method Not Allowed."))

    def names(self, body):
        return texts(only(body, ["tags"], self.complain).get("tags"), self.complain, 10)

    def search(self, query):
        only(query, ["name", "value", "page"], self.complain)
        name, value, page = query.get("name"), query.get("value"), int(query.get("page", "1"))
        if name is None or value is None:
            raise self.complain("name and value")
        found = [key for key in self.contacts if self.shown(key)["custom_fields"].get(name) == value]
        address = "http://app.1980TIC.com/api/v1/contact/by_custom_field?page="
        last = max(1, -(-len(found) // 10))
        links = {"first": address + "1", "last": f"{address}{last}", "prev": None, "next": None}
        shown = [self.shown(key) for key in found[10 * (page - 1):][:10]]
        meta = {"current_page": page, "from": 1, "last_page": last, "per_page": 10, "to": len(shown), "total": len(found)}
        return {"data": shown, "links": links, "meta": meta}


class B2Chat(Provider):
    BASE = "/b2chat"

    def __init__(self):
        super().__init__()
        self.tokens, self.valid = 0, False

    def complain(self, why):
        return Complaint(400, {"message": why})

    def failure(self, status):
        return {"message": "Failed on purpose"}

    def known(self, key):
        if not key.isdigit():
            raise self.complain("contact_id is numeric")
        if key not in self.contacts:
            raise Answer(404, {"message": "not found"})
        return self.contacts[key]

    def names(self, body):
        if not isinstance(body, list):
            raise self.complain(f"not an array: {body!r}")
        return texts([only(tag, ["name"], self.complain).get("name") for tag in body], self.complain)

    def token(self, headers, body):
        pair = base64.b64encode(f"{B2CHAT_USER}:{B2CHAT_PASSWORD}".encode()).decode()
        if headers.get("authorization") != "Basic " + pair:
            raise Answer(401, {"message": "Unauthorized"})
        if headers.get("content-type") != "application/x-www-form-urlencoded" or body != b"grant_type=client_credentials":
            raise self.complain(f"not the form of client credentials: {body!r}")
        if not self.valid:
            self.tokens, self.valid = self.tokens + 1, True
        return {"access_token": f"4ba550ac-{self.tokens}", "token_type": "bearer", "expires_in": 86195, "scope": "all"}

    def call(self, method, path, query, headers, body):
        if (method, path) == ("POST", ["oauth", "token"]):
            return self.token(headers, body)
        if not self.valid or headers.get("authorization") != f"Bearer 4ba550ac-{self.tokens}":
            raise Answer(401, {"message": "invalid_token"})
        match (method, path):
            case ("POST", ["contacts", key, "tags"]):
                if query.get("tag_actions") != "ASSIGN_TAG" or len(query) != 1:
                    raise self.complain(f"this test assigns: {query!r}")
                self.tag(self.known(key), self.names(body))
                raise Answer(200)
            case ("DELETE", ["contacts", key, "tags"]):
                if query:
                    raise self.complain(f"a query: {query!r}")
                self.untag(self.known(key), self.names(body))
                raise Answer(200)
            case ("GET", ["contacts", "export"]):
                return self.export(only(body, ["filters"], self.complain).get("filters"))
            case ("POST", ["contacts", "import"]):
                only(body, ["skip_required_custom_attributes", "contact"], self.complain)
                contact = body.get("contact") or {}
                if not contact.get("fullname") or not str(contact.get("mobile")).startswith("+"):
                    raise self.complain(f"fullname and mobile with +: {body!r}")
                self.seed({"id": self.new_id(), "phone": contact["mobile"]})
                # What is answered is documented nowhere: the hardest case is that the id isn't told.
                return {"message": "ok", "trace_id": "t"}
        raise Complaint(404, {"message": f"{method} {path}"})

    def export(self, filters):
        keys = ["contact_lookup", "limit", "offset", "order_dir", "skip_custom_attributes", "skip_tags", "created", "updated"]
        only(filters, keys, self.complain)
        found = list(self.contacts)
        for lookup in filters.get("contact_lookup", []):
            if set(lookup) != {"field", "value"} or lookup["field"] != "mobile":
                raise self.complain(f"only mobile works: {lookup!r}")
            found = [key for key in found if self.contacts[key]["phone"] == lookup["value"]]
        page = found[filters.get("offset", 0):][:filters.get("limit", 1000)]
        listed = [self.listed(key, filters.get("skip_tags", True)) for key in page]
        return {"contacts": listed, "exported": len(listed), "total": len(found), "trace_id": "t", "message": None}

    def listed(self, key, skip_tags):
        contact = self.contacts[key]
        tags = None if skip_tags else [{"name": name, "assigned_at": 1706644084} for name in contact["tags"]]
        return {"contact_id": int(key), "fullname": "x", "mobile": contact["phone"], "email": None, "tags": tags}


class RespondIo(Provider):
    BASE = "/respond-io/v2"

    @staticmethod
    def error(code, message):
        return {"code": code, "message": message}

    def complain(self, why):
        return Complaint(400, self.error(400, f"Validation error. {why}"))

    def failure(self, status):
        return self.error(status, "Too Many Requests" if status == 429 else "Failed on purpose")

    def known(self, identifier):
        kind, _, value = identifier.partition(":")
        if kind == "id" and value.isdigit():
            found = [key for key in self.contacts if key == value]
        elif kind == "phone" and value.startswith("+") and value[1:].isdigit():
            found = [key for key, contact in self.contacts.items() if contact["phone"] == value]
        else:
            raise self.complain(f"an identifier is id:, email: or phone: {identifier!r}")
        if not found:
            raise Answer(404, self.error(404, "Contact not found."))
        return found[0]

    def shown(self, key):
        contact = self.contacts[key]
        fields = [{"name": name, "value": value} for name, value in contact["fields"].items()]
        return {
            "id": int(key), "firstName": "x", "lastName": None, "phone": contact["phone"], "email": None, "language": None,
            "profilePic": None, "countryCode": None, "custom_fields": fields, "status": "open", "tags": list(contact["tags"]),
            "assignee": None, "lifecycle": None, "isBlocked": False, "created_at": 1663274081,
        }

    def call(self, method, path, query, headers, body):
        if headers.get("authorization") != "Bearer " + KEYS["respond-io"]:
            raise Answer(401, self.error(401, "UN_AUTHORIZED"))
        if query:
            raise self.complain(f"a query: {query!r}")
        match (method, path):
            case ("POST", ["contact", identifier, "tag"]):
                key = self.known(identifier)
                self.tag(self.contacts[key], texts(body, self.complain, 10))
                return {"contactId": int(key)}
            case ("DELETE", ["contact", identifier, "tag"]):
                key = self.known(identifier)
                self.untag(self.contacts[key], texts(body, self.complain, 10))
                return {"contactId": int(key)}
            case ("GET", ["contact", identifier]):
                return self.shown(self.known(identifier))
            case ("POST", ["contact", "create_or_update", identifier]):
                phone = only(body, ["firstName", "lastName", "email", "phone", "custom_fields"], self.complain).get("phone")
                if identifier != f"phone:{phone}":
                    raise self.complain(f"only phones are made in this test: {identifier!r} {body!r}")
                if not any(contact["phone"] == phone for contact in self.contacts.values()):
                    self.seed({"id": self.new_id(), "phone": phone})
                return {"contactId": int(self.known(identifier))}
        raise Complaint(404, self.error(404, f"{method} {path}"))


class Receiver(Provider):
    """Of bodies: each is kept once, under the person that it is about, in the order in which it came."""

    BASE = "/receiver"

    def __init__(self):
        super().__init__()
        self.had, self.bodies = set(), {}

    def complain(self, why):
        return Complaint(400, {"message": why})

    def failure(self, status):
        return {"message": "Failed on purpose"}

    def call(self, method, path, query, headers, body):
        if (method, path, query) != ("POST", ["hook"], {}):
            raise self.complain(f"{method} {path} {query}")
        name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
        key = base64.b64decode(HOOK_SECRET.removeprefix("whsec_"))
        mac = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(mac).decode()
        if not any(hmac.compare_digest(given, expected) for given in headers.get("webhook-signature", "").split(" ")):
            raise self.complain("the signature isn't that of the body")
        if not name or abs(time.time() - int(at)) > 300:
            raise self.complain(f"an id and a time: {name!r} {at!r}")
        about = json.loads(body)
        if name not in self.had:
            self.had.add(name)
            self.bodies.setdefault(about["about"], []).append(about["n"])
        raise Answer(204)


PROVIDERS = {
    "helpcrunch": HelpCrunch(), "1980tic": Tic1980(), "b2chat": B2Chat(), "respond-io": RespondIo(), "webhook": Receiver(),
}
CALLS, COMPLAINTS, FAULTS = [], [], []
MIX = {"share": 0.0, "random": random.Random()}


def control(method, path, body):
    match (method, path):
        case ("POST", "seed"):
            for name, contacts in body.items():
                for contact in contacts:
                    PROVIDERS[name].seed(contact)
        case ("POST", "fail"):
            FAULTS.append(body)
        case ("POST", "mix"):
            MIX.update(share=body["share"], random=random.Random(body.get("seed")))
        case ("POST", "end"):
            PROVIDERS["b2chat"].valid = False
        case ("GET", "state"):
            contacts = {name: provider.contacts for name, provider in PROVIDERS.items()}
            received = PROVIDERS["webhook"].bodies
            return {"contacts": contacts, "received": received, "calls": CALLS, "complaints": COMPLAINTS, "faults": FAULTS}
        case _:
            raise Answer(404, {})
    return {}


def fault_for(name, path):
    for fault in FAULTS:
        if fault["provider"] == name and fault["times"] > 0 and fault.get("path", "") in path:
            fault["times"] -= 1
            return fault
    if MIX["random"].random() >= MIX["share"]:
        return None
    ways = [
        {"status": 500}, {"status": 503}, {"status": 502, "done": True}, {"status": 500, "done": True},
        {"status": 429, "retry_after": "0"},
        # The connection ends without an answer: before anything is done, and after it.
        {"status": None}, {"status": None, "done": True},
        # The answer is cut short, or isn't the provider's.
        {"status": 200, "done": True, "cut": True},
    ]
    # To a receiver's sender every 2xx is a success, whoever says it.
    return MIX["random"].choice(ways if name == "webhook" else [*ways, {"status": 200, "foreign": True}])


def parsed(name, headers, raw, path):
    """The body as the page has it: JSON, declared as such; the form of a token call and what is signed stay as they are."""
    if not raw or path == ["oauth", "token"]:
        return raw or None
    if not headers.get("content-type", "").startswith("application/json"):
        raise PROVIDERS[name].complain("Content-Type must be application/json")
    # A signature is of the bytes.
    return raw if name == "webhook" else json.loads(raw)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_any(self):
        try:
            self.handle_one()
        except ConnectionError:
            # Whoever asked was killed.
            self.close_connection = True

    def handle_one(self):
        if "Transfer-Encoding" in self.headers:
            return self.send(411, None, {})
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        split = urlsplit(self.path)
        with LOCK:
            status, body, more = self.answer(split, headers, raw)
        self.send(status, body, more)

    def answer(self, split, headers, raw):
        if split.path.startswith("/standin/"):
            try:
                return 200, control(self.command, split.path.removeprefix("/standin/"), json.loads(raw or b"{}")), {}
            except Answer as answer:
                return answer.status, answer.body, {}
        for name, provider in PROVIDERS.items():
            if split.path.startswith(provider.BASE + "/"):
                return self.provider(name, provider, split, headers, raw)
        COMPLAINTS.append(f"no provider: {self.path}")
        return 404, {}, {}

    def provider(self, name, provider, split, headers, raw):
        path = [unquote(segment) for segment in split.path.removeprefix(provider.BASE + "/").split("/")]
        query = {key: values[0] for key, values in parse_qs(split.query, keep_blank_values=True).items()}
        fault = fault_for(name, split.path)
        more = {"Retry-After": fault["retry_after"]} if fault and "retry_after" in fault else {}
        status, body = 200, None
        if not fault or fault.get("done"):
            try:
                body = provider.call(self.command, path, query, headers, parsed(name, headers, raw, path))
            except Answer as answer:
                status, body = answer.status, answer.body
                if isinstance(answer, Complaint):
                    COMPLAINTS.append(f"{name}: {self.command} {self.path} {raw!r}: {answer.body}")
        if fault and fault.get("cut"):
            more["X-Cut"] = "yes"
        elif fault and fault.get("foreign"):
            # A proxy's page: its success isn't the provider's.
            status, body = 200, b"<html><body>Welcome!</body></html>"
        elif fault:
            status, body = fault["status"], provider.failure(fault["status"])
        CALLS.append({"provider": name, "method": self.command, "path": self.path, "status": status})
        return status, body, more

    def send(self, status, body, more):
        if status is None:
            self.close_connection = True
            return
        is_page = isinstance(body, bytes)
        data = b"" if body is None else body if is_page else json.dumps(body).encode()
        if more.pop("X-Cut", None):
            # More is promised than comes.
            self.close_connection = True
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data) + 100))
            self.end_headers()
            self.wfile.write(data)
            return
        self.send_response(status)
        if body is not None:
            self.send_header("Content-Type", "text/html" if is_page else "application/json")
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
