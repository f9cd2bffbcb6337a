// The key opens the door; it stays in this tab.

import { getJson } from "../api.js";
import { h } from "../parts/dom.js";
import { sentence } from "../parts/notice.js";
import { session } from "../session.js";

export function signIn(entered) {
  const error = h("p", { id: "key-error", class: "error", role: "alert" });
  const field = h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true, autofocus: true, "aria-describedby": "key-help key-error" });
  const submit = async (event) => {
    event.preventDefault();
    error.textContent = "";
    const key = field.value.trim();
    try {
      session.enter(key, await getJson("/v1/key", { key }));
      await entered();
    } catch (problem) {
      error.textContent = sentence(problem.message);
      field.select();
    }
  };
  return h("section", { class: "door" },
    h("h1", null, "Sign in"),
    h("form", { onsubmit: submit },
      h("label", { for: "key" }, "Key"), field,
      h("p", { id: "key-help", class: "soft" }, "The first start of ", h("code", null, "mien serve"), " printed one; ", h("code", null, "mien keys create"), " makes others. It stays in this tab and is gone when you close it."),
      error, h("button", { class: "main" }, "Sign in")));
}
