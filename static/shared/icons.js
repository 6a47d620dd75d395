/**
 * Icons, drawn for this product on a 20-unit grid, as paths. Circles are written as two arcs.
 */

const SVG = "http://www.w3.org/2000/svg"
const FILE = "M5 2.75h6.5L16 7.25v10H5z"
const FOLD = "M11.25 2.75v4.75H16"
const DISC = "M3.25 10a6.75 6.75 0 1 0 13.5 0 6.75 6.75 0 1 0-13.5 0"

/** Stroked outlines. @satisfies {Record<string, string>} */
const LINES = {
  alert: "M10 3.25 2.5 16.25h15zM10 8.25v3.5M10 14h.01",
  auto: `${DISC}M10 3.25v13.5M13 4v12M15.5 6.5v7`,
  check: "m4 10.5 4 4 8-9",
  clip: "m16 9.25-6.25 6.25a3.9 3.9 0 0 1-5.5-5.5l6.5-6.5a2.6 2.6 0 0 1 3.7 3.7L8 13.6a1.3 1.3 0 0 1-1.9-1.9L11.75 6",
  clock: `${DISC}M10 6v4l2.75 1.75`,
  code: "M6.5 5.5 2.5 10l4 4.5M13.5 5.5l4 4.5-4 4.5",
  copy: "M9 7h5.75a2 2 0 0 1 2 2v5.75a2 2 0 0 1-2 2H9a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2ZM13 4.5a1.25 1.25 0 0 0-1.25-1.25H4.5A1.25"
    + " 1.25 0 0 0 3.25 4.5v7.25c0 .7.55 1.25 1.25 1.25",
  dots: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  down: "m5.5 8 4.5 4.5L14.5 8",
  download: "M10 3.5V13M6 9.25l4 4 4-4M3.5 13.5v3h13v-3",
  expand: "M12 3.5h4.5V8M8 16.5H3.5V12M16 4l-4.5 4.5M4 16l4.5-4.5",
  file: FILE + FOLD,
  folder: "M2.75 15.5v-11h5l2 2.25h7.5v8.75z",
  globe: `${DISC}M3.25 10h13.5M10 3.25c2.25 2 3 4.4 3 6.75s-.75 4.75-3 6.75c-2.25-2-3-4.4-3-6.75s.75-4.75 3-6.75Z`,
  image: "M5 3.75h10a2 2 0 0 1 2 2v8.5a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-8.5a2 2 0 0 1 2-2Zm-1.5 10.25 4-4.25 3.25 3.25 2-2 3.5"
    + " 3.25M11.75 7.5a1 1 0 1 0 2 0 1 1 0 1 0-2 0",
  key: "M3.5 13a3.5 3.5 0 1 0 7 0 3.5 3.5 0 1 0-7 0m6-2.5 7-7M13.5 6.5l2.5 2.5",
  link: "M8.25 11.75a3.25 3.25 0 0 0 4.6 0l2.9-2.9a3.25 3.25 0 0 0-4.6-4.6l-.9.9M11.75 8.25a3.25 3.25 0 0 0-4.6 0l-2.9 2.9a3.25"
    + " 3.25 0 0 0 4.6 4.6l.9-.9",
  lock: "M6 9h8a2 2 0 0 1 2 2v4a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-4a2 2 0 0 1 2-2Zm.75 0V6.5a3.25 3.25 0 0 1 6.5 0V9",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
  moon: "M16 11.75A6.5 6.5 0 0 1 8.25 4 6.5 6.5 0 1 0 16 11.75Z",
  newchat: "M10.5 3.75H5.25A1.75 1.75 0 0 0 3.5 5.5v7.25c0 1 .8 1.75 1.75 1.75H6v2.75l3.5-2.75h4.25c1 0 1.75-.8 1.75-1.75V9.5M15.25"
    + " 2.75v4.5M13 5h4.5",
  offline: "M3 3l14 14M5.5 13.5a3 3 0 0 1 .6-5.9M8.5 5.6a4.5 4.5 0 0 1 6 3.9 2.75 2.75 0 0 1 1.9 4.3",
  open: "M11 3.5h5.5V9M16 4 9 11M8 4.5H4.25a.75.75 0 0 0-.75.75v10.5c0 .4.35.75.75.75h10.5c.4 0 .75-.35.75-.75V12",
  pencil: "M4 16l.75-3.5 8.5-8.5a1.4 1.4 0 0 1 2 0l.75.75a1.4 1.4 0 0 1 0 2l-8.5 8.5zM11.75 5.5l2.75 2.75",
  plus: "M10 4v12M4 10h12",
  python: `${FILE}${FOLD}M8 11l-1.25 1.5L8 14M12.75 11 14 12.5 12.75 14`,
  refresh: "M16.5 8.5A6.75 6.75 0 1 0 16 13M16.75 4v4.5h-4.5",
  search: "M3.75 9a5.25 5.25 0 1 0 10.5 0 5.25 5.25 0 1 0-10.5 0M13 13l4 4",
  share: "M10 12V3M6.5 6.25 10 2.75l3.5 3.5M6 9.25H4.25v7.5h11.5v-7.5H14",
  shield: "M10 2.75 4 5v4.5c0 3.75 2.5 6.25 6 7.75 3.5-1.5 6-4 6-7.75V5zM7.5 9.75l1.8 1.8 3.4-3.6",
  sidebar: "M5 3.75h10a2 2 0 0 1 2 2v8.5a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-8.5a2 2 0 0 1 2-2ZM7.75 4v12",
  stopped: "M7 2.75h6L17.25 7v6L13 17.25H7L2.75 13V7zM10 6.5v4.25M10 13.5h.01",
  sun: "M6.75 10a3.25 3.25 0 1 0 6.5 0 3.25 3.25 0 1 0-6.5 0M10 2.5v1.25M10 16.25v1.25M2.5 10h1.25M16.25 10h1.25M4.7 4.7l.9.9M14.4"
    + " 14.4l.9.9M4.7 15.3l.9-.9M14.4 5.6l.9-.9",
  trash: "M3.75 5.5h12.5M8 5.5V3.5h4v2M5.25 5.5l.75 11h8l.75-11M8.5 8.75v4.5M11.5 8.75v4.5",
  up: "M10 16V4.5M5 9.25l5-5 5 5",
  upload: "M10 13V3.5M6 7.25l4-4 4 4M3.5 13v3.5h13V13",
  x: "m5 5 10 10M15 5 5 15",
}

/** Filled shapes. @satisfies {Record<string, string>} */
const SOLIDS = {
  play: "M6 3.6v12.8c0 .5.5.8.9.5l9.6-6.4a.6.6 0 0 0 0-1L6.9 3.1A.6.6 0 0 0 6 3.6Z",
  stop: "M6.5 4.5h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2Z",
}

/** @typedef {keyof typeof LINES | keyof typeof SOLIDS} IconName */

/** Marks that need a heavier pen than the sheet's 1.6. @type {Record<string, string>} */
const PENS = { dots: "2.4", up: "1.9" }

/**
 * One icon, hidden from screen readers: the control around it carries the name.
 * @param {IconName} name
 * @param {string} [className] added to `icon`
 * @returns {SVGSVGElement}
 */
export function icon(name, className = "") {
  // On the path itself, these win over what it inherits from .icon; a style attribute would be refused by the CSP.
  const solid = name in SOLIDS ? { fill: "currentColor", stroke: "none" } : {}
  const path = svg("path", { d: { ...LINES, ...SOLIDS }[name], "stroke-width": PENS[name], ...solid })
  return svg("svg", { class: `icon ${className}`.trim(), viewBox: "0 0 20 20", "aria-hidden": "true" }, path)
}

/**
 * An SVG element with attributes and children.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | undefined>} attributes undefined leaves one out
 * @param {...SVGElement} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, String(value))
  node.append(...children)
  return node
}
