"""How an answer is compared with the contract, and the error entries the contract is made of."""

import json

UNAUTHORIZED = "Unauthorized: Invalid token for this tool"
COMMON_UNAUTHORIZED = "Unauthorized: invalid or missing token"
FORBIDDEN = "Forbidden: Admin access only"
NO_TOOL = "Tool not found"
NOT_FOUND = "Not Found"
NOT_ALLOWED = "Method Not Allowed"
TOO_LARGE = "Request body too large"


def _once(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a key is repeated: {names}"
    return dict(pairs)


def canonical(body):
    """JSON text in which only white space is made uniform: the order of keys, 1 and 1.0 and true differ."""
    return json.dumps(json.loads(body, object_pairs_hook=_once))


def expect_json(answer):
    """The headers that every answer of ours carries."""
    assert answer.header("content-type") == ["application/json"], answer
    assert answer.header("content-length") == [str(len(answer.body))], answer


def expect(answer, status, body):
    assert (answer.status, answer.body and canonical(answer.body)) == (status, json.dumps(body)), answer
    expect_json(answer)


def expect_message(answer, text):
    expect(answer, 200, {"message": text})


def expect_detail(answer, status, text):
    expect(answer, status, {"detail": text})


def expect_some_detail(answer, status):
    """An error whose wording the contract leaves open: a sentence, for people."""
    assert answer.status == status, answer
    expect_json(answer)
    body = answer.json()
    assert list(body) == ["detail"] and isinstance(body["detail"], str) and body["detail"], answer


def expect_invalid(answer, *entries):
    """422 with exactly these entries, in this order."""
    expect(answer, 422, {"detail": list(entries)})


def entry(loc, msg, kind, **ctx):
    return {"loc": list(loc), "msg": msg, "type": kind} | ({"ctx": ctx} if ctx else {})


def missing(*loc):
    return entry(loc, "field required", "value_error.missing")


def null(*loc):
    return entry(loc, "none is not an allowed value", "type_error.none.not_allowed")


def not_str(*loc):
    return entry(loc, "str type expected", "type_error.str")


def not_list(*loc):
    return entry(loc, "value is not a valid list", "type_error.list")


def not_dict(*loc):
    return entry(loc, "value is not a valid dict", "type_error.dict")


def not_int(*loc):
    return entry(loc, "value is not a valid integer", "type_error.integer")


def negative(*loc):
    return entry(
        loc, "ensure this value is greater than or equal to 0", "value_error.number.not_ge", limit_value=0
    )


def not_zero_or_one(*loc):
    return entry(loc, "unexpected value; permitted: 0, 1", "value_error.const")


# Bodies that are not a JSON object, each by what is wrong with it.
NOT_OBJECTS = {
    "not JSON": b"{not json",
    "cut short": b'{"user_id": 1',
    "two objects": b"{} {}",
    "only white space": b"  \n",
    "an array": b"[1, 2]",
    "an array of objects": b'[{"user_id": 1}]',
    "a string": b'"text"',
    "a number": b"42",
    "a boolean": b"true",
    "null": b"null",
    "a raw NUL": b'{"feedback": "a\x00b"}',
    "a NUL after the object": b'{"user_id": 1}\x00',
    "an escaped NUL": b'{"feedback": "a\\u0000b"}',
    "an escaped NUL in a key": b'{"a\\u0000b": 1}',
    "bad UTF-8": b'{"feedback": "\xff\xfe"}',
    "an overlong UTF-8 sequence": b'{"feedback": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"feedback": "\xed\xa0\x80"}',
    "a lone high surrogate": b'{"feedback": "\\ud800"}',
    "a lone low surrogate": b'{"feedback": "\\udc00"}',
    "NaN": b'{"score": NaN}',
    "Infinity": b'{"score": Infinity}',
}
