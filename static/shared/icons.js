/**
 * All icons. Circles are written as two arcs. icon.js draws them, and has those that every page needs.
 */
import { COMMON, drawing, SOLIDS, svg } from "./icon.js"

export { svg }

const FILE = "M5 2.75h6.5L16 7.25v10H5zM11.25 2.75v4.75H16"
const DISC = "M3.25 10a6.75 6.75 0 1 0 13.5 0 6.75 6.75 0 1 0-13.5 0"

/** @satisfies {Record<string, string>} */
const MORE = {
  download: "M10 3.5V13M6 9.25l4 4 4-4M3.5 13.5v3h13v-3",
  file: FILE,
  image: "M5 3.75h10a2 2 0 0 1 2 2v8.5a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-8.5a2 2 0 0 1 2-2Zm-1.5 10.25 4-4.25 3.25 3.25 2-2 3.5"
    + " 3.25M11.75 7.5a1 1 0 1 0 2 0 1 1 0 1 0-2 0",
  shield: "M10 2.75 4 5v4.5c0 3.75 2.5 6.25 6 7.75 3.5-1.5 6-4 6-7.75V5zM7.5 9.75l1.8 1.8 3.4-3.6",
  auto: `${DISC}M10 3.25v13.5M13 4v12M15.5 6.5v7`,
  clip: "m16 9.25-6.25 6.25a3.9 3.9 0 0 1-5.5-5.5l6.5-6.5a2.6 2.6 0 0 1 3.7 3.7L8 13.6a1.3 1.3 0 0 1-1.9-1.9L11.75 6",
  clock: `${DISC}M10 6v4l2.75 1.75`,
  code: "M6.5 5.5 2.5 10l4 4.5M13.5 5.5l4 4.5-4 4.5",
  dots: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  expand: "M12 3.5h4.5V8M8 16.5H3.5V12M16 4l-4.5 4.5M4 16l4.5-4.5",
  folder: "M2.75 15.5v-11h5l2 2.25h7.5v8.75z",
  globe: `${DISC}M3.25 10h13.5M10 3.25c2.25 2 3 4.4 3 6.75s-.75 4.75-3 6.75c-2.25-2-3-4.4-3-6.75s.75-4.75 3-6.75Z`,
  key: "M3.5 13a3.5 3.5 0 1 0 7 0 3.5 3.5 0 1 0-7 0m6-2.5 7-7M13.5 6.5l2.5 2.5",
  link: "M8.25 11.75a3.25 3.25 0 0 0 4.6 0l2.9-2.9a3.25 3.25 0 0 0-4.6-4.6l-.9.9M11.75 8.25a3.25 3.25 0 0 0-4.6 0l-2.9 2.9a3.25"
    + " 3.25 0 0 0 4.6 4.6l.9-.9",
  lock: "M6 9h8a2 2 0 0 1 2 2v4a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-4a2 2 0 0 1 2-2Zm.75 0V6.5a3.25 3.25 0 0 1 6.5 0V9",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
  moon: "M16 11.75A6.5 6.5 0 0 1 8.25 4 6.5 6.5 0 1 0 16 11.75Z",
  newchat: "M10.5 3.75H5.25A1.75 1.75 0 0 0 3.5 5.5v7.25c0 1 .8 1.75 1.75 1.75H6v2.75l3.5-2.75h4.25c1 0 1.75-.8 1.75-1.75V9.5M15.25"
    + " 2.75v4.5M13 5h4.5",
  pencil: "M4 16l.75-3.5 8.5-8.5a1.4 1.4 0 0 1 2 0l.75.75a1.4 1.4 0 0 1 0 2l-8.5 8.5zM11.75 5.5l2.75 2.75",
  plus: "M10 4v12M4 10h12",
  python: `${FILE}M8 11l-1.25 1.5L8 14M12.75 11 14 12.5 12.75 14`,
  refresh: "M16.5 8.5A6.75 6.75 0 1 0 16 13M16.75 4v4.5h-4.5",
  search: "M3.75 9a5.25 5.25 0 1 0 10.5 0 5.25 5.25 0 1 0-10.5 0M13 13l4 4",
  share: "M10 12V3M6.5 6.25 10 2.75l3.5 3.5M6 9.25H4.25v7.5h11.5v-7.5H14",
  sidebar: "M5 3.75h10a2 2 0 0 1 2 2v8.5a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-8.5a2 2 0 0 1 2-2ZM7.75 4v12",
  sun: "M6.75 10a3.25 3.25 0 1 0 6.5 0 3.25 3.25 0 1 0-6.5 0M10 2.5v1.25M10 16.25v1.25M2.5 10h1.25M16.25 10h1.25M4.7 4.7l.9.9M14.4"
    + " 14.4l.9.9M4.7 15.3l.9-.9M14.4 5.6l.9-.9",
  upload: "M10 13V3.5M6 7.25l4-4 4 4M3.5 13v3.5h13V13",
}

const ALL = { ...COMMON, ...SOLIDS, ...MORE }

/** @typedef {keyof typeof ALL} IconName */

/**
 * One icon, hidden from screen readers: the control around it carries the name.
 * @param {IconName} name
 * @param {string} [className] added to `icon`
 * @returns {SVGSVGElement}
 */
export function icon(name, className = "") {
  return drawing(ALL[name], name, className)
}
