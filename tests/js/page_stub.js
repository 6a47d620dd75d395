/**
 * As much of a page as the chat's builders use, for tests without a browser. Import it before the modules under test.
 */

class StubNode {
  /** @type {StubElement | null} */
  parentNode = null

  get parentElement() {
    return this.parentNode
  }

  remove() {
    const siblings = this.parentNode?.childNodes
    siblings?.splice(siblings.indexOf(this), 1)
    this.parentNode = null
  }

  /** @param {...(StubNode | string)} nodes */
  replaceWith(...nodes) {
    const parent = this.parentNode
    if (!parent) return
    for (const node of nodes) parent.insertBefore(asNode(node), this)
    this.remove()
  }
}

class StubText extends StubNode {
  /** @param {string} data */
  constructor(data) {
    super()
    this.data = data
  }

  get length() {
    return this.data.length
  }

  get textContent() {
    return this.data
  }

  /** @param {string} data */
  appendData(data) {
    this.data += data
  }
}

class StubElement extends StubNode {
  /** @type {StubNode[]} */
  childNodes = []
  /** @type {Map<string, string>} */
  attributes = new Map()
  className = ""

  /** @param {string} tag */
  constructor(tag) {
    super()
    this.tagName = tag.toUpperCase()
  }

  get children() {
    return this.childNodes.filter((node) => node instanceof StubElement)
  }

  get childElementCount() {
    return this.children.length
  }

  get firstElementChild() {
    return this.children.at(0) ?? null
  }

  get lastElementChild() {
    return this.children.at(-1) ?? null
  }

  get lastChild() {
    return this.childNodes.at(-1) ?? null
  }

  /** @returns {string} */
  get textContent() {
    return this.childNodes.map((node) => /** @type {any} */ (node).textContent).join("")
  }

  get classList() {
    return { add: (/** @type {string} */ name) => void (this.className = `${this.className} ${name}`.trim()) }
  }

  /** @param {string} name @param {string} value */
  setAttribute(name, value) {
    this.attributes.set(name, value)
  }

  /** @param {string} name */
  getAttribute(name) {
    return this.attributes.get(name) ?? null
  }

  /** Nothing is coloured here. */
  querySelectorAll() {
    return []
  }

  /** @param {string} selector a list of tag names */
  matches(selector) {
    return selector.split(", ").includes(this.tagName.toLowerCase())
  }

  /** @param {StubNode} node */
  appendChild(node) {
    return this.insertBefore(node, null)
  }

  /** @param {...(StubNode | string)} nodes */
  append(...nodes) {
    for (const node of nodes) this.appendChild(asNode(node))
  }

  /** @param {StubNode} node @param {StubNode | null} before */
  insertBefore(node, before) {
    node.remove()
    this.childNodes.splice(before ? this.childNodes.indexOf(before) : this.childNodes.length, 0, node)
    node.parentNode = this
    return node
  }

  /** @param {...(StubNode | string)} nodes */
  replaceChildren(...nodes) {
    for (const node of [...this.childNodes]) node.remove()
    this.append(...nodes)
  }

  /** All elements inside, this one first. @returns {StubElement[]} */
  all() {
    return [this, ...this.children.flatMap((child) => child.all())]
  }
}

class StubList extends StubElement {}

/** @param {StubNode | string} node */
const asNode = (node) => (typeof node === "string" ? new StubText(node) : node)

const document = {
  baseURI: "http://hal9.test/b/key",
  createElement: (/** @type {string} */ tag) => (tag === "ol" ? new StubList(tag) : new StubElement(tag)),
  createElementNS: (/** @type {string} */ _, /** @type {string} */ tag) => new StubElement(tag),
  createTextNode: (/** @type {string} */ data) => new StubText(data),
}

Object.assign(globalThis, {
  document, Node: StubNode, HTMLElement: StubElement, HTMLOListElement: StubList, location: new URL(document.baseURI),
})

/**
 * The element as short markup, for comparing: tags, text, and no attributes.
 * @param {any} node
 * @returns {string}
 */
export function markup(node) {
  if (node instanceof StubText) return node.data
  const tag = node.tagName.toLowerCase()
  const inside = node.childNodes.map(markup).join("")
  return tag === "br" || tag === "hr" || tag === "img" ? `<${tag}>` : `<${tag}>${inside}</${tag}>`
}
