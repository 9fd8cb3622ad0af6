// Signs in with MSAL for Go and azure-identity for Go, and asks Graph; knows nothing of a mock.
//
// The world comes from the ready file (ENTRA_MOCK_READY). Prints a line for each way to sign in;
// ends with 1 where one does not lead to an answer of Graph.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
	"golang.org/x/crypto/pkcs12"
)

type world struct {
	Tenant struct{ ID string }
	Users  map[string]struct{ Upn, Password string }
	Apps   map[string]struct {
		ClientID        string `json:"client_id"`
		Secret          string `json:"client_secret"`
		PfxFile         string `json:"pfx_file"`
		PfxPassword     string `json:"pfx_password"`
		CertificateFile string `json:"certificate_file"`
		KeyFile         string `json:"key_file"`
	}
}

var failed = false

// Says how a way to sign in went: with its token Graph is asked.
func report(way string, err error, token, path string) {
	status := 0
	if err == nil {
		request, _ := http.NewRequest("GET", "https://graph.microsoft.com/v1.0/"+path, nil)
		request.Header.Set("Authorization", "Bearer "+token)
		answer, problem := http.DefaultClient.Do(request)
		if problem == nil {
			status = answer.StatusCode
		}
		err = problem
	}
	failed = failed || status != 200
	fmt.Println(way, status, err)
}

func file(path string) []byte {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return text
}

func main() {
	var ready struct{ Environments map[string]world }
	if err := json.Unmarshal(file(os.Getenv("ENTRA_MOCK_READY")), &ready); err != nil {
		panic(err)
	}
	w := ready.Environments["office365"]
	ctx := context.Background()
	authority := "https://login.microsoftonline.com/" + w.Tenant.ID
	alice := w.Users["alice"]
	mine := []string{"https://graph.microsoft.com/User.Read"}
	all := []string{"https://graph.microsoft.com/.default"}
	ask := func(way string, credential azcore.TokenCredential, err error, scopes []string, path string) {
		var token azcore.AccessToken
		if err == nil {
			token, err = credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: scopes})
		}
		report(way, err, token.Token, path)
	}

	native, err := public.New(w.Apps["native-app"].ClientID, public.WithAuthority(authority))
	if err != nil {
		panic(err)
	}
	user, err := native.AcquireTokenByUsernamePassword(ctx, mine, alice.Upn, alice.Password)
	report("msal password", err, user.AccessToken, "me")
	mail := []string{"https://graph.microsoft.com/Mail.ReadWrite"}
	silent, err := native.AcquireTokenSilent(ctx, mail, public.WithSilentAccount(user.Account))
	report("msal silent", err, silent.AccessToken, "me/messages")

	daemon := w.Apps["daemon-secret"]
	secret, _ := confidential.NewCredFromSecret(daemon.Secret)
	app, _ := confidential.New(authority, daemon.ClientID, secret)
	token, err := app.AcquireTokenByCredential(ctx, all)
	report("msal secret", err, token.AccessToken, "users")
	own, err := azidentity.NewClientSecretCredential(w.Tenant.ID, daemon.ClientID, daemon.Secret, nil)
	ask("azidentity secret", own, err, all, "users")

	archive := w.Apps["daemon-certificate"]
	pfx := file(archive.PfxFile)
	if _, _, err := pkcs12.Decode(pfx, archive.PfxPassword); err != nil {
		failed = true
		fmt.Println("x/crypto/pkcs12", err)
	}
	pem := append(file(archive.CertificateFile), file(archive.KeyFile)...)
	for way, form := range map[string]struct {
		data     []byte
		password []byte
	}{"pfx": {pfx, []byte(archive.PfxPassword)}, "pem": {pem, nil}} {
		certificates, key, err := azidentity.ParseCertificates(form.data, form.password)
		if err != nil {
			report("azidentity "+way, err, "", "")
			continue
		}
		certificate, err := azidentity.NewClientCertificateCredential(w.Tenant.ID, archive.ClientID, certificates, key, nil)
		ask("azidentity "+way, certificate, err, all, "users")
	}

	middle := w.Apps["middle-tier-api"]
	api := []string{"api://" + middle.ClientID + "/access_as_user"}
	user, err = native.AcquireTokenByUsernamePassword(ctx, api, alice.Upn, alice.Password)
	if err != nil {
		report("azidentity on behalf of", err, "", "")
	} else {
		behalf, err := azidentity.NewOnBehalfOfCredentialWithSecret(w.Tenant.ID, middle.ClientID, user.AccessToken, middle.Secret, nil)
		ask("azidentity on behalf of", behalf, err, mine, "me")
	}
	if failed {
		os.Exit(1)
	}
}
