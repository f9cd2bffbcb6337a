"use strict";
(() => {
  const id = (name) => document.getElementById(name);
  const people = [...document.querySelectorAll(".person")];
  const lists = [...people, ...document.querySelectorAll("#alone")];
  let photos = null; // parsed at the first click: it holds the previews
  let byPhoto = null;
  let shown = [];
  let at = 0;

  // ---- one photograph

  const photo = (face) => (photos ??= JSON.parse(id("photos").textContent))[face.dataset.p];
  const whoOf = (face) => face.closest(".person")?.querySelector("h2").textContent ?? "Seen once";

  const load = () => {
    if (byPhoto) return;
    byPhoto = new Map();
    for (const face of document.querySelectorAll(".face")) {
      const same = byPhoto.get(face.dataset.p);
      if (same) same.push(face); else byPhoto.set(face.dataset.p, [face]);
    }
  };

  const outline = (face, here, {w, h}) => {
    const [x0, y0, x1, y1] = face.dataset.b.split(" ").map(Number);
    const clip = (value) => Math.min(Math.max(value, 0), 1) * 100;
    const [left, top, right, bottom] = [clip(x0 / w), clip(y0 / h), clip(x1 / w), clip(y1 / h)];
    const box = document.createElement(here ? "div" : "button");
    box.className = here ? "box here" : "box";
    Object.assign(box.style, {left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%`});
    if (!here) {
      box.type = "button";
      box.title = whoOf(face);
      box.setAttribute("aria-label", `Also here: ${whoOf(face)}`);
      box.addEventListener("click", () => open(face));
    }
    return box;
  };

  const fit = () => {
    if (!id("photo").open) return;
    const {w, h} = photo(shown[at]);
    const stage = document.querySelector(".stage");
    const narrow = matchMedia("(max-width: 620px)").matches;
    const room = {w: stage.clientWidth - (narrow ? 16 : 112), h: stage.clientHeight - (narrow ? 56 : 0)};
    const scale = Math.min(room.w / w, room.h / h);
    Object.assign(document.querySelector(".frame").style, {width: `${w * scale}px`, height: `${h * scale}px`});
  };

  const show = () => {
    const face = shown[at];
    const facts = photo(face);
    id("photo-who").textContent = whoOf(face);
    id("photo-at").textContent = shown.length > 1 ? `${at + 1} of ${shown.length}` : "";
    id("photo-file").textContent = facts.n;
    id("original").href = facts.u;
    id("picture").src = facts.s || facts.u;
    id("picture").alt = `${facts.n}, the face of ${whoOf(face)} is marked`;
    id("boxes").replaceChildren(...byPhoto.get(face.dataset.p).map((other) => outline(other, other === face, facts)));
    id("back").disabled = at === 0;
    id("next").disabled = at === shown.length - 1;
    fit();
  };

  const open = (face) => {
    load();
    const list = face.closest(".person, #alone");
    shown = list.id === "alone" ? [face] : [...list.querySelectorAll(".face")];
    at = shown.indexOf(face);
    if (!id("photo").open) id("photo").showModal();
    show();
    id("photo").focus(); // not the first button: arrow keys work at once, and no ring around "close"
  };

  const step = (by) => {
    if (at + by < 0 || at + by >= shown.length) return;
    at += by;
    show();
  };

  document.addEventListener("click", (event) => {
    const face = event.target.closest(".face");
    if (!face || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(face);
  });
  id("back").addEventListener("click", () => step(-1));
  id("next").addEventListener("click", () => step(1));
  id("close").addEventListener("click", () => id("photo").close());
  id("photo").addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  id("photo").addEventListener("close", () => {
    const face = shown[at];
    face.closest("details")?.setAttribute("open", "");
    face.focus();
  });
  addEventListener("resize", fit);

  // ---- find

  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  let words = null;
  const find = id("find");
  find.disabled = false;
  find.form.addEventListener("submit", (event) => event.preventDefault());
  find.addEventListener("input", () => {
    words ??= lists.map((list) =>
      plain([list.querySelector("h2").textContent, ...[...list.querySelectorAll(".face img")].map((face) => face.alt)].join("\n")));
    const wanted = plain(find.value.trim());
    let matches = 0;
    lists.forEach((list, number) => {
      list.hidden = !words[number].includes(wanted);
      matches += !list.hidden && list.id !== "alone";
    });
    id("found").textContent = wanted ? `${matches} of ${people.length} people` : "";
  });

  // ---- copy

  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".rename button");
    if (!button) return;
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // no clipboard here: ready for Ctrl+C
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
})();
