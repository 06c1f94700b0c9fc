"""Verify a proof or a checkpoint of the Entitlement Ledger with nothing but Python.

    python3 docs/verify.py FILE PUBLIC-KEY

FILE is what `entl proof` or `entl checkpoint` wrote. Nothing of the ledger's own program is used.
"""

import base64
import hashlib
import json
import sys


def fail_unless(true, why):
    if not true:
        sys.exit(f"NOT PROVED: {why}")


def b64(text):
    data = base64.b64decode(text, validate=True)
    fail_unless(base64.b64encode(data).decode() == text, "base64 is written in another way")
    return data


# Ed25519, RFC 8032, section 5.1; slow and short
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    x = x if x * x % P == xx else x * ROOT % P
    fail_unless(x * x % P == xx and y < P and (x or not sign), "a point is not on the curve")
    return P - x if x & 1 != sign else x


def add(a, b):
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    w, x, y, z = f - e, h - g, h + g, f + e
    return (w * x % P, y * z % P, x * y % P, w * z % P)


def times(n, point):
    sum_ = (0, 1, 1, 0)
    while n:
        if n & 1:
            sum_ = add(sum_, point)
        point, n = add(point, point), n >> 1
    return sum_


def point(data):
    number = int.from_bytes(data, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    x = recover_x(y, sign)
    return (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)


def signature_is_right(public, message, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    digest = hashlib.sha512(r + public + message).digest()
    a = times(s, BASE)
    b = add(point(r), times(int.from_bytes(digest, "little") % Q, point(public)))
    alike = (a[0] * b[2] - b[0] * a[2]) % P == 0 == (a[1] * b[2] - b[1] * a[2]) % P
    return len(signature) == 64 and s < Q and alike


# Signed notes and checkpoints
def checkpoint(note, key):
    name, key_id, public = key.strip().split("+", 2)
    data = b64(public)
    made = hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8]
    fail_unless(data[:1] == b"\x01" and len(data) == 33 and made == key_id, "that is not a key")
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    fail_unless(signatures.endswith("\n"), "the end is lacking")
    for line in signatures[:-1].split("\n"):
        dash, signer, signature = line.split(" ")
        if (dash, signer, b64(signature)[:4].hex()) == ("—", name, key_id):
            right = signature_is_right(data[1:], text.encode(), b64(signature)[4:])
            fail_unless(right, "the signature is wrong")
            origin, size, root = text.split("\n")[:3]
            return origin, int(size), b64(root)
    sys.exit(f"NOT PROVED: the checkpoint is not signed by {name}")


# RFC 6962, section 2.1
def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_path(hash_, place, size, path):
    """The recursion of section 2.1.1, from the top: the last sibling is the highest."""
    if size == 1:
        fail_unless(not path and place == 0, "the path does not fit the tree")
        return hash_
    fail_unless(path, "the path does not fit the tree")
    split = 1 << ((size - 1).bit_length() - 1)
    if place < split:
        return node(root_of_path(hash_, place, split, path[:-1]), path[-1])
    return node(path[-1], root_of_path(hash_, place - split, size - split, path[:-1]))


def roots_of_consistency(old_root, old, new, path, whole=True):
    """The recursion of section 2.1.2: the old root and the new one that a proof leads to."""
    if old == new:
        fail_unless(len(path) == (0 if whole else 1), "the path does not fit the trees")
        return (old_root, old_root) if whole else (path[0], path[0])
    fail_unless(path, "the path does not fit the trees")
    split = 1 << ((new - 1).bit_length() - 1)
    if old <= split:
        first, second = roots_of_consistency(old_root, old, split, path[:-1], whole)
        return first, node(second, path[-1])
    first, second = roots_of_consistency(old_root, old - split, new - split, path[:-1], False)
    return node(path[-1], first), node(path[-1], second)


def main(file, key):
    text = open(file, encoding="utf-8", newline="").read()
    kind, _, rest = text.partition("\n")
    if kind == "c2sp.org/tlog-proof@v1":
        head, _, note = rest.partition("\n\n")
        extra, index, *path = head.split("\n")
        body, place = b64(extra.removeprefix("extra ")), int(index.removeprefix("index "))
        origin, size, root = checkpoint(note, key)
        leaf = hashlib.sha256(b"\x00" + body).digest()
        reached = root_of_path(leaf, place, size, [b64(each) for each in path])
        fail_unless(0 <= place < size and reached == root, "the event leads to another root")
        fail_unless(json.loads(body)["sequence"] == place + 1, "it is the event of another place")
        print(f"PROVED: event {place + 1} of {size} of {origin}\n{body.decode()}")
    elif kind == "entitlement-ledger/consistency-proof@v1":
        old, new, *path = rest.strip().split("\n")
        origin, size, root = checkpoint(b64(old.removeprefix("old ")).decode(), key)
        origin2, size2, root2 = checkpoint(b64(new.removeprefix("new ")).decode(), key)
        reached = roots_of_consistency(root, size, size2, [b64(each) for each in path])
        fail_unless(origin == origin2 and reached == (root, root2), "the histories differ")
        print(f"PROVED: the {size2} events of {origin} begin with the {size} signed earlier")
    else:
        origin, size, root = checkpoint(text, key)
        print(f"PROVED: {origin} had {size} events with the root {root.hex()}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (ValueError, KeyError, TypeError, OSError) as error:
        sys.exit(f"NOT PROVED: the file or the key cannot be read: {error}")
