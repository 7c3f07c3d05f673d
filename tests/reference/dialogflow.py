"""Writes and reads Dialogflow's messages with Google's own classes. One JSON object a line in, one a line out:

    {"op": "request", "api": "es", "seed": 7}      ->  {"text": "..", "facts": {..}}   a random WebhookRequest as JSON
    {"op": "messages", "api": "es", "seed": 7}     ->  {"messages": [..]}              random messages of a reply
    {"op": "response", "api": "es", "text": ".."}  ->  {"response": {..}}              a WebhookResponse, read strictly

What the classes refuse is a fault: {"fault": ".."}.
"""

import json
import random
import sys

from google.cloud import dialogflow_v2 as es
from google.cloud import dialogflowcx_v3 as cx
from google.protobuf import json_format

# Messages within messages end here; the definitions of Dialogflow are recursive.
DEPTH = 6
WORDS = ["", "pro", "¡Gracias! ☕", "línea\nnueva", "👩‍🍳🥖", '"quoted" \\ /', "\u0000\u001f", "es-419", "日本語", "-7.5"]


def json_value(dice, depth=0):
    """A value of google.protobuf.Value."""
    kinds = ["null", "bool", "number", "text"] + (["list", "map"] if depth < 3 else [])
    match dice.choice(kinds):
        case "null":
            return None
        case "bool":
            return dice.random() < 0.5
        case "number":
            return number(dice)
        case "text":
            return dice.choice(WORDS)
        case "list":
            return [json_value(dice, depth + 1) for _ in range(dice.randrange(3))]
        case _:
            return json_map(dice, depth + 1)


def json_map(dice, depth=0):
    """A value of google.protobuf.Struct."""
    return {dice.choice(WORDS) + str(n): json_value(dice, depth) for n in range(dice.randrange(4))}


def number(dice):
    """Eighths are exact in either width and in any reader."""
    return dice.randrange(-8000, 8000) / 8


def scalar(field, dice):
    """A value of a field that is no message."""
    match field.cpp_type:
        case field.CPPTYPE_STRING if field.type == field.TYPE_BYTES:
            return dice.randbytes(dice.randrange(5))
        case field.CPPTYPE_STRING:
            return dice.choice(WORDS)
        case field.CPPTYPE_BOOL:
            return dice.random() < 0.5
        case field.CPPTYPE_FLOAT | field.CPPTYPE_DOUBLE:
            return number(dice)
        case field.CPPTYPE_ENUM:
            return dice.choice(field.enum_type.values).number
        case field.CPPTYPE_INT32:
            return dice.randrange(-(2**31), 2**31)
        case field.CPPTYPE_INT64:
            return dice.randrange(-(2**63), 2**63)
        case _:
            return dice.randrange(2**32)


def fill(message, dice, depth=0):
    """Fills some of a message's fields, whatever they are."""
    match message.DESCRIPTOR.full_name:
        case "google.protobuf.Struct":
            return json_format.ParseDict(json_map(dice), message)
        case "google.protobuf.Value":
            return json_format.ParseDict(json_value(dice), message)
        case "google.protobuf.ListValue":
            return json_format.ParseDict([json_value(dice, 2)], message)
        case "google.protobuf.Timestamp" | "google.protobuf.Duration":
            message.FromMilliseconds(dice.randrange(4 * 10**12))
            return message
    for field in message.DESCRIPTOR.fields:
        if dice.random() < 0.6:
            fill_field(message, field, dice, depth)
    return message


def fill_field(message, field, dice, depth):
    """Fills one field; a member of a `oneof` takes the place of the one before."""
    of = field.message_type
    if of is None:
        if field.is_repeated:
            getattr(message, field.name).extend(scalar(field, dice) for _ in range(dice.randrange(3)))
        else:
            setattr(message, field.name, scalar(field, dice))
    # An Any names a type of its own, which would have to exist.
    elif depth >= DEPTH or of.full_name == "google.protobuf.Any":
        return
    elif of.GetOptions().map_entry:
        entries = getattr(message, field.name)
        for n in range(dice.randrange(3)):
            value = of.fields_by_name["value"]
            key = dice.choice(WORDS) + str(n)
            if value.message_type is None:
                entries[key] = scalar(value, dice)
            else:
                fill(entries[key], dice, depth + 1)
    elif field.is_repeated:
        for _ in range(dice.randrange(3)):
            fill(getattr(message, field.name).add(), dice, depth + 1)
    else:
        part = getattr(message, field.name)
        part.SetInParent()
        fill(part, dice, depth + 1)


def es_facts(body):
    """What the gateway must find in a request of ES."""
    result = body["queryResult"]
    return {
        "key": body.get("responseId"),
        "session": body.get("session"),
        "kind": result.get("action"),
        "intent": result.get("intent", {}).get("displayName"),
        "text": result.get("queryText"),
        "language": result.get("languageCode"),
        "confidence": result.get("intentDetectionConfidence"),
        "params": result.get("parameters", {}),
    }


def cx_facts(body):
    """What the gateway must find in a request of CX."""
    intent = body.get("intentInfo", {})
    session = body.get("sessionInfo", {})
    return {
        "has_key": bool(body.get("detectIntentResponseId")),
        "session": session.get("session"),
        "kind": body["fulfillmentInfo"].get("tag"),
        "intent": intent.get("displayName"),
        "text": body.get("text") or body.get("transcript") or body.get("dtmfDigits"),
        "language": body.get("languageCode") or body.get("languageInfo", {}).get("resolvedLanguageCode"),
        "confidence": intent.get("confidence"),
        "params": session.get("parameters", {}),
    }


# The classes of each API: request, response, a message of a reply; the fields that are always there; the facts.
APIS = {
    "es": (es.WebhookRequest, es.WebhookResponse, es.Intent.Message, ["query_result"], es_facts),
    "cx": (cx.WebhookRequest, cx.WebhookResponse, cx.ResponseMessage, ["fulfillment_info"], cx_facts),
}


def request(api, dice):
    """A random request as JSON, in the forms that protobuf's JSON leaves open."""
    make, _, _, always, facts = APIS[api]
    message = fill(make.pb()(), dice)
    for name in always:
        getattr(message, name).SetInParent()
    text = json_format.MessageToJson(
        message,
        always_print_fields_with_no_presence=dice.random() < 0.5,
        ensure_ascii=dice.random() < 0.5,
        indent=dice.choice([None, 2]),
    )
    return {"text": text, "facts": facts(json.loads(text))}


def messages(api, dice):
    """Random messages, as a rule would write them."""
    make = APIS[api][2].pb()
    return {"messages": [json_format.MessageToDict(fill(make(), dice, 3)) for _ in range(dice.randrange(4))]}


def response(api, text):
    """What Google's class holds of a response."""
    make = APIS[api][1]
    read = make.from_json(text, ignore_unknown_fields=False)
    return {"response": json_format.MessageToDict(make.pb(read))}


def answer(question):
    """Answers one line."""
    api = question["api"]
    match question["op"]:
        case "request":
            return request(api, random.Random(question["seed"]))
        case "messages":
            return messages(api, random.Random(question["seed"]))
        case "response":
            return response(api, question["text"])
        case other:
            raise ValueError(f"no such op: {other}")


def main():
    """Answers until the input ends."""
    for line in sys.stdin:
        question = json.loads(line)
        try:
            said = answer(question)
        except Exception as error:  # whatever the classes raise is the answer
            said = {"fault": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


main()
