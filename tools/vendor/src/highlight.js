// Colours for Python that is only read: chat replies, lessons. Without the editor.
export { parser as pythonParser } from "@lezer/python"
export { highlightCode, tagHighlighter, tags } from "@lezer/highlight"
