// Sends a mail with the Graph SDK for Go and finds it among those sent; knows nothing of a mock.
//
// The world comes from the ready file (ENTRA_MOCK_READY). A module of its own, since the first build
// of the SDK takes many minutes.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	msgraph "github.com/microsoftgraph/msgraph-sdk-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

type world struct {
	Tenant struct{ ID string }
	Users  map[string]struct{ Upn, Password string }
	Apps   map[string]struct {
		ClientID string `json:"client_id"`
	}
}

const subject = "From the Graph SDK for Go"

func message(to string) models.Messageable {
	text := models.TEXT_BODYTYPE
	content, name := "Sent by an unmodified client.", subject
	body := models.NewItemBody()
	body.SetContentType(&text)
	body.SetContent(&content)
	address := models.NewEmailAddress()
	address.SetAddress(&to)
	recipient := models.NewRecipient()
	recipient.SetEmailAddress(address)
	mail := models.NewMessage()
	mail.SetSubject(&name)
	mail.SetBody(body)
	mail.SetToRecipients([]models.Recipientable{recipient})
	return mail
}

func send(ctx context.Context, w world) error {
	alice := w.Users["alice"]
	credential, err := azidentity.NewUsernamePasswordCredential(w.Tenant.ID, w.Apps["native-app"].ClientID, alice.Upn, alice.Password, nil)
	if err != nil {
		return err
	}
	scopes := []string{"https://graph.microsoft.com/Mail.Send", "https://graph.microsoft.com/Mail.ReadWrite"}
	client, err := msgraph.NewGraphServiceClientWithCredentials(credential, scopes)
	if err != nil {
		return err
	}
	keep := true
	letter := users.NewItemSendMailPostRequestBody()
	letter.SetMessage(message(w.Users["bob"].Upn))
	letter.SetSaveToSentItems(&keep)
	if err := client.Me().SendMail().Post(ctx, letter, nil); err != nil {
		return err
	}
	sent, err := client.Me().MailFolders().ByMailFolderId("sentitems").Messages().Get(ctx, nil)
	if err != nil {
		return err
	}
	for _, mail := range sent.GetValue() {
		if found := mail.GetSubject(); found != nil && *found == subject {
			return nil
		}
	}
	return fmt.Errorf("not among the %d newest sent messages", len(sent.GetValue()))
}

func main() {
	text, err := os.ReadFile(os.Getenv("ENTRA_MOCK_READY"))
	var ready struct{ Environments map[string]world }
	if err == nil {
		err = json.Unmarshal(text, &ready)
	}
	if err == nil {
		ctx, stop := context.WithTimeout(context.Background(), time.Minute)
		defer stop()
		err = send(ctx, ready.Environments["office365"])
	}
	var refused *odataerrors.ODataError
	if failure, is := err.(*odataerrors.ODataError); is {
		refused = failure
	}
	if refused != nil && refused.GetErrorEscaped() != nil && refused.GetErrorEscaped().GetMessage() != nil {
		fmt.Println("graph sdk: send mail:", *refused.GetErrorEscaped().GetMessage())
	} else {
		fmt.Println("graph sdk: send mail:", err)
	}
	if err != nil {
		os.Exit(1)
	}
}
