// The Markdown lexer alone: our own builder makes the elements, so that nothing is ever parsed as HTML.
export { Lexer } from "marked"
