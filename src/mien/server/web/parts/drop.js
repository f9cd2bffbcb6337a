// Where pictures come in: dropped, chosen, or taken with the camera.

import { h, plural } from "./dom.js";
import { failed } from "./notice.js";

const IMAGE = /\.(jpe?g|png|webp|bmp|tiff?|gif|avif|heic|heif|jp2)$/i;

/** All files below dropped folders. */
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const found = [];
  for (let entry; (entry = entries.shift());) {
    if (entry.isFile) found.push(await new Promise((done, bad) => entry.file(done, bad)));
    else {
      const reader = entry.createReader();
      for (;;) { // a reader gives a hundred at a time
        const some = await new Promise((done, bad) => reader.readEntries(done, bad));
        if (!some.length) break;
        entries.push(...some);
      }
    }
  }
  return found;
}

export const pictures = (files) => files.filter((file) => file.type.startsWith("image/") || IMAGE.test(file.name));

/**
 * A place for pictures.
 * @param {{label: string, take: (files: File[]) => unknown, several?: boolean, camera?: boolean}} options
 */
export function dropPlace({ label, take, several = false, camera = false }) {
  const give = async (files) => {
    const found = pictures(files);
    if (!found.length) failed(Object.assign(new Error(files.length ? `none of ${plural(files.length, "file")} is a picture` : "nothing was chosen"), { status: 0 }));
    else await Promise.resolve(take(several ? found : found.slice(0, 1))).catch(failed);
  };
  const chooser = (folder) => h("input", { type: "file", class: "unseen", tabindex: -1, "aria-hidden": "true", accept: folder ? null : "image/*",
    multiple: several, webkitdirectory: folder, onchange: (event) => {
      const files = [...event.target.files];
      event.target.value = "";
      give(files);
    } });
  const [files, folder] = [chooser(false), several ? chooser(true) : null];
  const element = h("div", { class: "drop",
    ondragover: (event) => { event.preventDefault(); element.classList.add("over"); },
    ondragleave: () => element.classList.remove("over"),
    ondrop: async (event) => {
      event.preventDefault();
      element.classList.remove("over");
      filesOf(event.dataTransfer).then(give, failed);
    } },
  h("p", null, label),
  h("div", { class: "row" },
    h("button", { type: "button", class: "main", onclick: () => files.click() }, several ? "Choose pictures" : "Choose a picture"),
    folder && h("button", { type: "button", onclick: () => folder.click() }, "Choose a folder"),
    camera && navigator.mediaDevices && h("button", { type: "button", onclick: () => takePhoto().then((file) => file && give([file]), failed) }, "Use the camera")),
  files, folder);
  return element;
}

/** A picture from the camera, or null when the reader changes their mind. The camera is on while the dialog is open. */
async function takePhoto() {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } }, audio: false }).catch((error) => {
    throw Object.assign(new Error(`the camera cannot be used (${error.message || error.name})`), { status: 0 });
  });
  const video = h("video", { autoplay: true, playsinline: true, "aria-label": "What the camera sees" });
  video.muted = true;
  video.srcObject = stream;
  const dialog = h("dialog", { class: "camera", "aria-labelledby": "camera-title" },
    h("form", { method: "dialog" }, h("h2", { id: "camera-title" }, "Camera"), video,
      h("div", { class: "row end" }, h("button", { value: "no", class: "quiet" }, "Cancel"), h("button", { value: "yes", class: "main" }, "Take the picture"))));
  document.body.append(dialog);
  dialog.showModal();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  const shot = dialog.returnValue === "yes" && video.videoWidth ? await photoOf(video) : null;
  for (const track of stream.getTracks()) track.stop();
  dialog.remove();
  return shot;
}

async function photoOf(video) {
  const board = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  board.getContext("2d").drawImage(video, 0, 0);
  return new File([await board.convertToBlob({ type: "image/jpeg", quality: 0.92 })], "camera.jpg", { type: "image/jpeg" });
}
