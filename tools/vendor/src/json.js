// Loaded when a .json file opens.
export { json as language } from "@codemirror/lang-json"
