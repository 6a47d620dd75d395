/**
 * Files that a bot made, in its reply: pictures in place, pages in a sandboxed frame, all else as a card to download.
 */
import { el, safeUrl } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
/** @import { FileCard } from "./types.js" */

const WEB = new Set(["http:", "https:"])
const BUTTON = { class: "btn btn--quiet btn--icon btn--sm" }

/**
 * @param {FileCard} file
 * @returns {HTMLElement}
 */
export function fileView(file) {
  const name = file.name.split("/").at(-1) ?? file.name
  if (safeUrl(file.url, WEB) === null) return el("p", { class: "chat__note" }, name)
  if (file.type.startsWith("image/")) return picture(file, name)
  if (file.type.startsWith("text/html")) return page(file, name)
  return card(file, name)
}

/** @param {number} bytes */
export function byteSize(bytes) {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** @param {FileCard} file @param {string} name */
function picture(file, name) {
  const image = el("img", { src: file.url, alt: name, loading: "lazy", decoding: "async" })
  const link = { class: "media__view", href: file.url, target: "_blank", rel: "noopener", "aria-label": `Enlarge ${name}` }
  const view = el("a", link, image)
  image.onerror = () => view.replaceWith(el("p", { class: "media__failed" }, "This picture could not be loaded"))
  return el("figure", { class: "media" }, view,
    el("figcaption", { class: "media__bar" }, el("b", null, name), el("small", null, byteSize(file.bytes)),
      opener(file, name), downloader(file, name)))
}

/** A page by the bot has an opaque origin: it can reach nothing of ours. @param {FileCard} file @param {string} name */
function page(file, name) {
  // `sandbox` comes before `src`, or the page would load without it.
  const title = `${name}, made by this bot`
  const frame = el("iframe", { class: "media__frame", title, loading: "lazy", referrerPolicy: "no-referrer" })
  frame.setAttribute("sandbox", "allow-scripts")
  frame.setAttribute("src", file.url)
  return el("figure", { class: "media media--site" },
    el("figcaption", { class: "media__bar" }, icon("shield"), el("b", null, name), el("small", null, "made by this bot"),
      opener(file, name)), frame)
}

/** @param {FileCard} file @param {string} name */
function card(file, name) {
  const kind = name.includes(".") ? (name.split(".").at(-1) ?? "") : ""
  return el("figure", { class: "media media--file" },
    el("span", { class: "media__type", "aria-hidden": true }, kind.slice(0, 4).toUpperCase() || icon("file")),
    el("div", null, el("b", null, name), el("small", null, byteSize(file.bytes))), downloader(file, name))
}

/** @param {FileCard} file @param {string} name */
function opener(file, name) {
  const props = { ...BUTTON, href: file.url, target: "_blank", rel: "noopener", "aria-label": `Open ${name} in a tab` }
  return el("a", props, icon("open"))
}

/** @param {FileCard} file @param {string} name */
function downloader(file, name) {
  return el("a", { ...BUTTON, href: file.url, download: name, "aria-label": `Download ${name}` }, icon("download"))
}
