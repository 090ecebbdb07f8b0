export default function Page() {
  return <p>Hello over HTTP</p>;
}
