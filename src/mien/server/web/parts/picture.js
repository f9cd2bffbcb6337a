// Pictures that never leave the browser but as the reader's request: decoded, cut and aligned here for showing.

import { h } from "./dom.js";
import { drawn } from "./drawn.js";

/** The upright picture, or null when this browser cannot read the format. */
export async function decode(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
}

function canvas(side, draw, alt) {
  const element = h("canvas", { width: side, height: side, role: "img", "aria-label": alt });
  const context = element.getContext("2d");
  context.imageSmoothingQuality = "high";
  draw(context);
  return element;
}

/** The square around a box x0 y0 x1 y1, with room around it. */
export function square([x0, y0, x1, y1], room = 1.35) {
  const side = Math.max(x1 - x0, y1 - y0) * room;
  return { x: (x0 + x1 - side) / 2, y: (y0 + y1 - side) / 2, side };
}

/** A face cut out of a picture, as an element. */
export function cut(bitmap, box, alt, side = 224) {
  if (!bitmap) return drawn(alt);
  const { x, y, side: from } = square(box);
  return canvas(side, (context) => context.drawImage(bitmap, x, y, from, from, 0, 0, side, side), alt);
}

// Where an embedder wants eyes, nose and corners of the mouth in its 112 x 112 crop (ArcFace, Deng et al. 2019).
const TEMPLATE = [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]];

/** The similarity that brings five points nearest to the template: [a, b, tx, ty] of x' = a x - b y + tx, y' = b x + a y + ty. */
export function similarity(points) {
  const mean = (rows, axis) => rows.reduce((sum, row) => sum + row[axis], 0) / rows.length;
  const [px, py, qx, qy] = [mean(points, 0), mean(points, 1), mean(TEMPLATE, 0), mean(TEMPLATE, 1)];
  let [dot, cross, norm] = [0, 0, 0];
  points.forEach(([x, y], i) => {
    const [u, v, s, t] = [x - px, y - py, TEMPLATE[i][0] - qx, TEMPLATE[i][1] - qy];
    dot += u * s + v * t;
    cross += u * t - v * s;
    norm += u * u + v * v;
  });
  const [a, b] = [dot / norm, cross / norm];
  return [a, b, qx - a * px + b * py, qy - b * px - a * py];
}

/** The aligned crop, as the embedder sees it. */
export function aligned(bitmap, points, alt, side = 224) {
  if (!bitmap) return drawn(alt);
  const [a, b, tx, ty] = similarity(points).map((value) => value * side / 112);
  return canvas(side, (context) => {
    context.setTransform(a, b, -b, a, tx, ty);
    context.drawImage(bitmap, 0, 0);
  }, alt);
}

/** A face cut out of a picture as the URL of a JPEG; null without a picture. */
export async function cutUrl(bitmap, box, side) {
  if (!bitmap) return null;
  const blob = await new Promise((done) => cut(bitmap, box, "", side).toBlob(done, "image/jpeg", 0.85));
  bitmap.close();
  return blob && URL.createObjectURL(blob);
}
