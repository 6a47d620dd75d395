/**
 * Builds elements. Text always becomes text nodes and addresses are checked, so nothing here can turn data into markup.
 */

/** @typedef {Node | string | number | null | undefined | false} Leaf */
/** @typedef {Leaf | Leaf[]} Child */

/**
 * What an element may be given: its own writable DOM properties, `class`, and `data-*` or `aria-*` attributes.
 * An attribute that is null, undefined or false is left out; true writes it empty (aria: "true").
 * @template {keyof HTMLElementTagNameMap} K
 * @typedef {Partial<Omit<HTMLElementTagNameMap[K], "style" | "dataset" | "className" | "innerHTML" | "outerHTML">> & {
 *   class?: string | false | null,
 *   [attribute: `data-${string}`]: string | number | boolean | null | undefined,
 *   [attribute: `aria-${string}`]: string | number | boolean | null | undefined,
 * }} Props
 */

const OPENS_OUTSIDE = new Set(["http:", "https:", "mailto:", "tel:"])
const LOADS_INSIDE = new Set(["http:", "https:", "blob:"])
const ADDRESSES = new Map([["href", OPENS_OUTSIDE], ["src", LOADS_INSIDE], ["action", OPENS_OUTSIDE]])

/**
 * The address in full when its scheme is allowed, else null. `javascript:`, `data:` and broken ones are null.
 * @param {string} url
 * @param {Set<string>} [schemes] http, https, mailto and tel unless told otherwise
 * @returns {string | null}
 */
export function safeUrl(url, schemes = OPENS_OUTSIDE) {
  const base = globalThis.document?.baseURI ?? "http://localhost/"
  if (!URL.canParse(url, base)) return null
  const parsed = new URL(url, base)
  return schemes.has(parsed.protocol) ? parsed.href : null
}

/**
 * An element with properties and children.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Props<K> | null} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, props, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(props ?? {})) setProp(node, name, value)
  append(node, ...children)
  return node
}

/**
 * Adds children; strings and numbers become text nodes, empty values are skipped.
 * @param {Node} node
 * @param {...Child} children
 */
export function append(node, ...children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue
    node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)))
  }
}

/**
 * Replaces everything inside a node.
 * @param {Element} node
 * @param {...Child} children
 */
export function fill(node, ...children) {
  node.replaceChildren()
  append(node, ...children)
}

/**
 * The element that matches, of the given class. Throws when the page has none: a page without its parts is our fault.
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} type
 * @param {ParentNode} [root]
 * @returns {T}
 */
export function find(selector, type, root = document) {
  const node = root.querySelector(selector)
  if (node instanceof type) return node
  throw new Error(`The page has no ${selector}`)
}

/**
 * The JSON that the server put into the page.
 * @param {string} [id]
 * @returns {any}
 */
export function pageData(id = "page-data") {
  return JSON.parse(document.getElementById(id)?.textContent || "{}")
}

/**
 * @param {HTMLElement} node
 * @param {string} name
 * @param {unknown} value
 */
function setProp(node, name, value) {
  if (value === undefined) return
  if (name.includes("-")) return setAttribute(node, name, value)
  if (name === "class") {
    if (value) node.className = String(value)
    return
  }
  const schemes = ADDRESSES.get(name)
  if (schemes === undefined) return void Reflect.set(node, name, value)
  const address = safeUrl(String(value), schemes)
  if (address !== null) node.setAttribute(name, String(value))
}

/**
 * @param {HTMLElement} node
 * @param {string} name
 * @param {unknown} value
 */
function setAttribute(node, name, value) {
  const isAria = name.startsWith("aria-")
  if (value === null || (value === false && !isAria)) node.removeAttribute(name)
  else node.setAttribute(name, value === true && !isAria ? "" : String(value))
}
