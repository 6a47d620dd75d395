/**
 * The rocket's drawing: a ship over a flame that lights on hover, tilted to the right.
 */
import { svg } from "./icon.js"

const TILT = "rotate(45 10 10)"

/** @returns {SVGSVGElement} */
export function rocketShip() {
  const fill = { fill: "currentColor", stroke: "none" }
  return svg("svg", { class: "rocket__ship", viewBox: "0 0 20 20", "aria-hidden": "true" },
    svg("g", { class: "rocket__flame" },
      svg("path", { ...fill, transform: TILT, d: "M8 13.4h4c0 2.6-.9 4.2-2 5.6-1.1-1.4-2-3-2-5.6Z" })),
    svg("g", { transform: TILT },
      svg("path", { ...fill, d: "M10 1.2c2.5 1.9 3.5 4.5 3.5 7.3v3.9H6.5V8.5c0-2.8 1-5.4 3.5-7.3Z" }),
      svg("path", { ...fill, d: "M6 8.7 3.7 11.6v3.2L6 13.4zM14 8.7l2.3 2.9v3.2L14 13.4z" }),
      svg("circle", { cx: 10, cy: 6.9, r: 1.45, fill: "#b3300f", stroke: "none" })))
}
