/** Vite gives the address of a file that it copies into the build. */
declare module "*?url" {
  const address: string;
  export default address;
}
