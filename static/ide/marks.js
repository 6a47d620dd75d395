/**
 * The line that failed in the last run: marked in the file that is open, or when that file opens.
 */

/** @typedef {import("./types.js").Failure} Failure */

/**
 * @param {import("./editor/editor.js").Editor} editor
 * @param {import("./state.js").IdeStore} store
 */
export function createMarks(editor, store) {
  /** @type {{file: string, line: number, message: string} | null} */
  let mark = null

  const marks = {
    /** @param {Failure} failure */
    set({ file, line, type, message }) {
      marks.clear()
      // Text that was edited since the program started has other lines than the traceback.
      if (!file || !line || store.get("isStale")) return
      mark = { file, line, message: [type, message].filter(Boolean).join(": ") }
      marks.apply(file)
    },

    /** Marks a file that has just been opened. @param {string} path */
    apply(path) {
      if (!mark || mark.file !== path || !editor.has(path)) return
      editor.fail(path, mark)
      mark = null
    },

    /** Takes every mark away: the program starts again. */
    clear() {
      mark = null
      for (const path of store.get("open")) if (editor.has(path)) editor.fail(path, null)
    }
  }
  return marks
}
