// Tinypool's, too.
export default ([a, b]) => a + b;
