"""Changes a gallery at random and prints each change before it is made and after it was acknowledged; to be killed.

Arguments: gallery, seed, first free picture number, and ``optimize`` to write the search file anew now and then.
"""

import json
import random
import sys

from gallery_toys import picture, templates
from mien.gallery import Gallery


def say(word: str, change: dict[str, object]) -> None:
    sys.stdout.write(json.dumps({word: change}) + "\n")
    sys.stdout.flush()


def main(path: str, seed: int, number: int, optimize: bool) -> None:
    rng = random.Random(seed)
    with Gallery.open(path, create=True) as gallery:
        names = {subject.name for subject in gallery.subjects(unnamed=False)}
        while True:
            kind = rng.choice(["index", "index", "enrol", "enrol", "enrol", "forget", "merge"])
            if kind == "index":
                change = {"index": {str(number + i): rng.randrange(4) for i in range(rng.randrange(1, 6))}}
                number += 10
                say("will", change)
                with gallery.batch():
                    for place, faces in change["index"].items():
                        seeds = [int(place) * 10 + face for face in range(faces)]
                        gallery.add_picture(picture(int(place)), templates(*seeds))
            elif kind == "enrol":
                name = f"person {rng.randrange(8)}"
                change = {"enrol": [name, number]}
                say("will", change)
                gallery.enrol(name, templates(number * 10), picture(number))
                names.add(name)
                number += 10
            elif kind == "forget" and names:
                name = rng.choice(sorted(names))
                change = {"forget": name}
                say("will", change)
                gallery.forget(name)
                names.remove(name)
            elif kind == "merge" and len(names) > 1:
                into, other = rng.sample(sorted(names), 2)
                change = {"merge": [into, other]}
                say("will", change)
                gallery.merge(into, other)
                names.remove(other)
            else:
                continue
            say("did", change)
            if optimize and rng.random() < 0.4 and len(gallery):
                gallery.optimize()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] == ["optimize"])
