/**
 * What is shown instead of the editor: a file that is not text or too long, with its picture and download; or no file.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { extensionOf, nameOf } from "./paths.js"

const PICTURES = /** @type {Record<string, string>} */ ({
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  svg: "image/svg+xml",
  avif: "image/avif"
})

/** @param {number} bytes */
export function sizeOf(bytes) {
  if (bytes < 1000) return `${bytes} bytes`
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** @param {HTMLElement} host the editor's own */
export function mountViewer(host) {
  const node = el("div", { class: "viewer", hidden: true })
  let url = ""
  host.append(node)

  return {
    /** No file is open. */
    blank() {
      node.hidden = false
      fill(
        node,
        el("p", null, "No file is open."),
        el("button", { class: "btn", type: "button", "data-act": "new-file" }, icon("plus"), "New file")
      )
    },

    /** @param {string | null} path null hides it @param {ArrayBuffer | null} bytes */
    show(path, bytes) {
      if (url) URL.revokeObjectURL(url)
      url = ""
      node.hidden = path === null
      if (path === null || !bytes) return
      const type = PICTURES[extensionOf(path)]
      url = URL.createObjectURL(new Blob([bytes], { type: type ?? "application/octet-stream" }))
      fill(
        node,
        type && el("img", { class: "viewer__picture", src: url, alt: `The picture ${nameOf(path)}` }),
        el(
          "p",
          null,
          `${nameOf(path)} can't be edited here: it is ${type ? "a picture" : "not text, or too long"}. ${sizeOf(bytes.byteLength)}.`
        ),
        el("a", { class: "btn", href: url, download: nameOf(path) }, icon("download"), "Download")
      )
      // A blob address is not one that el() lets through for links.
      node.querySelector("a")?.setAttribute("href", url)
    }
  }
}
