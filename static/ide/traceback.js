/**
 * Finds the lines of a traceback that point into the bot's own files.
 */

/** @typedef {{text: string, file?: string, line?: number}} Piece `file` and `line` where the text is a link */

const PLACE = /File "(?:\/bot\/|\.\/)?([^"\n]+)", line (\d+)/g
const ERROR = /^(?:[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning|Group|StopIteration))(?=:|$)/

/**
 * Cuts one line of output into plain pieces and links.
 * @param {string} line
 * @param {(path: string) => boolean} isOurs
 * @returns {Piece[]}
 */
export function linked(line, isOurs) {
  /** @type {Piece[]} */
  const pieces = []
  let end = 0
  for (const match of line.matchAll(PLACE)) {
    const [whole, file = "", number] = match
    if (!isOurs(file)) continue
    const start = match.index + "File ".length
    if (start > end) pieces.push({ text: line.slice(end, start) })
    pieces.push({ text: `"${file}", line ${number}`, file, line: Number(number) })
    end = match.index + whole.length
  }
  if (end < line.length) pieces.push({ text: line.slice(end) })
  return pieces
}

/** The name of the exception with which a traceback's last line begins, or "". @param {string} line */
export function errorName(line) {
  return ERROR.exec(line)?.[0] ?? ""
}

/** The package that a failed import asked for, or "". @param {string} text */
export function missingPackage(text) {
  return /ModuleNotFoundError: No module named '([\w.]+)'/.exec(text)?.[1]?.split(".")[0] ?? ""
}
