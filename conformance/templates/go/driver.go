// A driver of your connector for entra-conformance.
//
// connect and listMessages are a connector of a few lines, so that the first case passes; put your
// own in their place. The messages: conformance/docs/protocol.md of entra-mock.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
)

type object = map[string]any

// failure is what the connector's user sees when something fails.
type failure struct {
	category, message string
	aadsts            any
}

func (it failure) Error() string { return it.message }

type connection struct{ account, token string }

var connections = map[string]connection{}

func connect(settings object) (connection, error) {
	text := func(name string) string { value, _ := settings[name].(string); return value }
	status, value, err := read(http.PostForm(
		"https://login.microsoftonline.com/"+text("tenant_id")+"/oauth2/v2.0/token",
		url.Values{"grant_type": {"client_credentials"}, "client_id": {text("client_id")},
			"client_secret": {text("client_secret")}, "scope": {"https://graph.microsoft.com/.default"}}))
	if err == nil && status != 200 {
		err = failure{"invalid-credentials", fmt.Sprint(value["error_description"]), value["error_codes"]}
	}
	return connection{text("account"), fmt.Sprint(value["access_token"])}, err
}

func listMessages(of connection, arguments object) (any, error) {
	top, given := arguments["top"]
	if !given {
		top = 10
	}
	request, _ := http.NewRequest("GET",
		fmt.Sprintf("https://graph.microsoft.com/v1.0/users/%s/messages?$top=%v", of.account, top), nil)
	request.Header.Set("Authorization", "Bearer "+of.token)
	status, value, err := read(http.DefaultClient.Do(request))
	if err == nil && status != 200 {
		err = failure{"access-denied", fmt.Sprint(status, value["error"]), nil}
	}
	return value, err
}

func read(answer *http.Response, err error) (int, object, error) {
	if err != nil {
		return 0, nil, failure{"unavailable", err.Error(), nil}
	}
	defer answer.Body.Close()
	value := object{}
	if err = json.NewDecoder(answer.Body).Decode(&value); err != nil {
		err = failure{"unavailable", err.Error(), nil}
	}
	return answer.StatusCode, value, err
}

func handle(method string, params object) (any, error) {
	name, _ := params["connection"].(string)
	found, known := connections[name]
	if !known && (method == "call" || method == "status") {
		return nil, failure{"reconnect-required", "there is no such connection", nil}
	}
	switch method {
	case "initialize":
		return object{"protocol": 1, "connector": object{"name": "my-connector", "version": "0.1.0", "language": "go"},
			"auth_methods": []string{"client-credentials"}, "environments": []string{"office365"},
			"operations": []string{"list-messages"}, "features": []string{}, "max_connections": 100}, nil
	case "connect", "reconnect":
		settings, _ := params["settings"].(object)
		made, err := connect(settings)
		if err == nil {
			connections[name] = made
		}
		return object{"state": "connected"}, err
	case "disconnect", "settle", "shutdown":
		delete(connections, name)
		return object{}, nil
	case "status":
		return object{"state": "connected"}, nil
	case "call":
		arguments, _ := params["arguments"].(object)
		value, err := listMessages(found, arguments)
		return object{"value": value}, err
	}
	return nil, nil
}

func main() {
	requests, replies := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	type message struct {
		ID     any
		Method string
		Params object
	}
	for request := (message{}); requests.Decode(&request) == nil; request = (message{}) {
		reply := object{"jsonrpc": "2.0", "id": request.ID}
		result, err := handle(request.Method, request.Params)
		if known, ok := err.(failure); ok {
			reply["error"] = object{"code": -32000, "message": known.message,
				"data": object{"category": known.category, "message": known.message, "aadsts": known.aadsts}}
		} else if result == nil {
			reply["error"] = object{"code": -32601, "message": "no method " + request.Method}
		} else {
			reply["result"] = result
		}
		replies.Encode(reply)
	}
}
