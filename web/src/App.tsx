import { Redirect, Route, Switch } from "wouter";
import { Landing } from "./landing/Landing";
import { RoomPage } from "./room/RoomPage";

export function App() {
  return (
    <Switch>
      <Route path="/">
        <Landing />
      </Route>
      <Route path="/r/:room">{({ room }) => <RoomPage key={room} room={room} />}</Route>
      <Route>
        <Redirect to="/" replace />
      </Route>
    </Switch>
  );
}
