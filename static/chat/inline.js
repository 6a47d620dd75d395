/**
 * Elements for the inside of a Markdown block. Everything becomes text nodes and a fixed set of elements.
 */
import { append, el, safeUrl } from "../shared/dom.js"
import { icon } from "../shared/icons.js"

/** @typedef {import("marked").Token} Token */

/** @type {Record<string, string>} */
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" }
const ENTITY = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi

/**
 * Adds inline tokens to an element.
 * @param {HTMLElement} node
 * @param {Token[] | undefined} tokens
 */
export function addInline(node, tokens) {
  for (const token of tokens ?? []) append(node, ...inline(token))
}

/** @param {Token} token @returns {(Node | string)[]} */
function inline(token) {
  switch (token.type) {
    case "text":
      return token.tokens ? [...around("span", token).childNodes] : [decoded(token.text)]
    case "strong":
    case "em":
    case "del":
      return [around(token.type, token)]
    case "codespan":
      return [el("code", null, token.text)]
    case "br":
      // marked takes the indent of the next line along; a program meant it.
      return [el("br"), token.raw.slice(token.raw.indexOf("\n") + 1)]
    case "escape":
      return [token.text]
    case "checkbox":
      return [token.checked ? "\u2611 " : "\u2610 "]
    case "link":
      return [link(token)]
    case "image":
      return [image(token.href, token.text)]
    default:
      return [token.raw]
  }
}

/** @param {"span" | "strong" | "em" | "del"} tag @param {Token} token */
function around(tag, token) {
  const node = el(tag)
  addInline(node, "tokens" in token ? token.tokens : undefined)
  return node
}

/** A link to the web, or the source as text where its address is of no kind we open. @param {Token} token */
function link(token) {
  const href = linkTarget("href" in token ? token.href : "")
  if (href === null) return token.raw
  const node = el("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", title: href })
  addInline(node, "tokens" in token ? token.tokens : undefined)
  return node
}

/**
 * Only files made by a bot are shown as images: any other address would tell its server who reads this.
 * @param {string} href
 * @param {string} text
 */
function image(href, text) {
  const address = linkTarget(href)
  if (address === null) return text
  if (isBotFile(address)) return el("img", { class: "msg__image", src: address, alt: text, loading: "lazy" })
  const name = text || new URL(address).hostname
  return el("a", { class: "msg__chip", href: address, target: "_blank", rel: "noopener noreferrer nofollow", title: address },
    icon("image"), name)
}

/** @param {string} href @returns {string | null} */
function linkTarget(href) {
  const isAbsolute = /^(?:https?:|mailto:|tel:|\/\/|\/f\/)/i.test(href)
  return isAbsolute ? safeUrl(href) : null
}

/** @param {string} address */
function isBotFile(address) {
  const { origin, pathname } = new URL(address)
  return origin === location.origin && pathname.startsWith("/f/")
}

/** @param {string} text */
function decoded(text) {
  return text.replace(ENTITY, (whole, decimal, hex, name) => {
    if (name) return ENTITIES[name.toLowerCase()] ?? whole
    const code = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}
