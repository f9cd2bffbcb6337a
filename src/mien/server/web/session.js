// Who is signed in: the key and the gallery of this tab. Both are gone when the tab is closed.

const KEY = "mien-key";
const GALLERY = "mien-gallery";

let facts = null; // what /v1/key says

export const session = {
  get key() { return sessionStorage.getItem(KEY); },
  get gallery() { return sessionStorage.getItem(GALLERY); },
  get facts() { return facts; },

  /** Keep a key that was found to be good, and what it may do. */
  enter(key, told) {
    sessionStorage.setItem(KEY, key);
    facts = told;
  },

  choose(gallery) { sessionStorage.setItem(GALLERY, gallery); },

  /** Whether the key's role allows an operation, such as "correct". */
  may(operation) { return facts?.operations.includes(operation) ?? false; },

  leave() {
    sessionStorage.clear();
    facts = null;
  },
};
