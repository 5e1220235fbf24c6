// gosmpp as a customer: it has alphabets and splits by concatenation headers. The protocol of drivers: tests/peers/README.md.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/linxGnu/gosmpp"
	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

// told is one command; each uses some of the fields.
type told struct {
	Do          string `json:"do"`
	Mode        string `json:"mode"`
	Host        string `json:"host"`
	Port        int    `json:"port"`
	SystemID    string `json:"system_id"`
	Password    string `json:"password"`
	CA          string `json:"ca"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
	Kind        string `json:"kind"`
	Source      string `json:"source"`
	Destination string `json:"destination"`
	Text        string `json:"text"`
	Octets      string `json:"octets"`
	UDH         string `json:"udh"`
}

type fields map[string]any

const (
	patience         = 30 * time.Second
	esmClassReceipt  = 0x04
	esmClassUDHI     = 0x40
	receiptRequested = 1
)

var (
	receiptID    = regexp.MustCompile(`id:(\S+)`)
	receiptState = regexp.MustCompile(`stat:(\S+)`)
	output       sync.Mutex
)

func say(said fields) {
	output.Lock()
	defer output.Unlock()
	line, err := json.Marshal(said)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

// customer is one bind.
type customer struct {
	session *gosmpp.Session
	mutex   sync.Mutex
	waiting map[int32]chan pdu.PDU
}

func main() {
	one := &customer{waiting: map[int32]chan pdu.PDU{}}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var command told
		answer, err := fields{}, json.Unmarshal(lines.Bytes(), &command)
		if err == nil {
			answer, err = one.do(command)
		}
		if err != nil {
			answer = fields{"error": err.Error()}
		}
		answer["did"] = command.Do
		say(answer)
	}
}

func (c *customer) do(command told) (fields, error) {
	switch command.Do {
	case "bind":
		return c.bind(command)
	case "submit":
		return c.submit(command)
	case "link":
		answer, err := c.ask(pdu.NewEnquireLink())
		return status(answer), err
	case "unbind":
		answer, err := c.ask(pdu.NewUnbind())
		if err != nil {
			return nil, err
		}
		// The gateway closes once it has answered, and the library may have seen that.
		if err := c.session.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		return status(answer), nil
	}
	return nil, fmt.Errorf("no command %q", command.Do)
}

func (c *customer) bind(command told) (fields, error) {
	dialer := gosmpp.NonTLSDialer
	if command.CA != "" {
		pem, err := os.ReadFile(command.CA)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		config := &tls.Config{RootCAs: roots, ServerName: command.Host}
		if command.Certificate != "" {
			own, err := tls.LoadX509KeyPair(command.Certificate, command.Key)
			if err != nil {
				return nil, err
			}
			config.Certificates = []tls.Certificate{own}
		}
		dialer = func(address string) (net.Conn, error) {
			return tls.Dial("tcp", address, config)
		}
	}
	auth := gosmpp.Auth{
		SMSC:     net.JoinHostPort(command.Host, strconv.Itoa(command.Port)),
		SystemID: command.SystemID,
		Password: command.Password,
	}
	connectors := map[string]gosmpp.Connector{
		"transceiver": gosmpp.TRXConnector(dialer, auth),
		"transmitter": gosmpp.TXConnector(dialer, auth),
		"receiver":    gosmpp.RXConnector(dialer, auth),
	}
	settings := gosmpp.Settings{
		ReadTimeout: 10 * patience,
		OnAllPDU:    c.take,
		OnReceivingError: func(err error) {
			fmt.Fprintln(os.Stderr, "receiving:", err)
		},
	}
	// Without an interval it does not bind again by itself.
	session, err := gosmpp.NewSession(connectors[command.Mode], settings, 0)
	var refused gosmpp.BindError
	if errors.As(err, &refused) {
		return fields{"status": refused.CommandStatus}, nil
	}
	if err != nil {
		return nil, err
	}
	c.session = session
	return fields{"status": 0}, nil
}

func (c *customer) submit(command told) (fields, error) {
	request := pdu.NewSubmitSM().(*pdu.SubmitSM)
	request.SourceAddr.SetTon(5)
	request.DestAddr.SetTon(1)
	request.DestAddr.SetNpi(1)
	request.RegisteredDelivery = receiptRequested
	if err := errors.Join(
		request.SourceAddr.SetAddress(command.Source),
		request.DestAddr.SetAddress(command.Destination),
		setMessage(request, command),
	); err != nil {
		return nil, err
	}
	parts := []*pdu.SubmitSM{request}
	if command.Kind == "long" {
		var err error
		if parts, err = request.Split(); err != nil {
			return nil, err
		}
	}
	answers := []fields{}
	for _, part := range parts {
		// Parts are copies, with their origin's sequence number.
		part.AssignSequenceNumber()
		answer, err := c.ask(part)
		if err != nil {
			return nil, err
		}
		response, is := answer.(*pdu.SubmitSMResp)
		if !is {
			return nil, fmt.Errorf("answered with %T", answer)
		}
		answers = append(answers, fields{"status": response.CommandStatus, "id": response.MessageID})
	}
	return fields{"answers": answers}, nil
}

func setMessage(request *pdu.SubmitSM, command told) error {
	switch command.Kind {
	case "long":
		return request.Message.SetLongMessageWithEnc(command.Text, data.GSM7BIT)
	case "unicode":
		return request.Message.SetMessageWithEncoding(command.Text, data.UCS2)
	case "binary":
		header, err := hex.DecodeString(command.UDH)
		if err != nil {
			return err
		}
		octets, err := hex.DecodeString(command.Octets)
		if err != nil {
			return err
		}
		request.EsmClass = esmClassUDHI
		// One element: its id, its length, its data.
		request.Message.SetUDH(pdu.UDH{{ID: header[1], Data: header[3:]}})
		return request.Message.SetMessageDataWithEncoding(octets, data.BINARY8BIT2)
	}
	return request.Message.SetMessageWithEncoding(command.Text, data.GSM7BIT)
}

// ask sends a request and waits for its response.
func (c *customer) ask(request pdu.PDU) (pdu.PDU, error) {
	answer := make(chan pdu.PDU, 1)
	c.mutex.Lock()
	c.waiting[request.GetSequenceNumber()] = answer
	c.mutex.Unlock()
	if err := c.session.Transceiver().Submit(request); err != nil {
		return nil, err
	}
	select {
	case response := <-answer:
		return response, nil
	case <-time.After(patience):
		return nil, errors.New("not answered")
	}
}

// take deals with whatever arrives.
func (c *customer) take(arrived pdu.PDU) (pdu.PDU, bool) {
	if delivered, is := arrived.(*pdu.DeliverSM); is {
		deliver(delivered)
		return delivered.GetResponse(), false
	}
	if arrived.CanResponse() {
		return arrived.GetResponse(), false
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	number := arrived.GetSequenceNumber()
	if answer, is := c.waiting[number]; is {
		delete(c.waiting, number)
		answer <- arrived
	}
	return nil, false
}

func deliver(delivered *pdu.DeliverSM) {
	text, err := delivered.Message.GetMessage()
	if err != nil {
		text = err.Error()
	}
	if delivered.EsmClass&esmClassReceipt != 0 {
		// The library leaves a receipt's text to its user.
		say(fields{"saw": "receipt", "id": found(receiptID, text), "state": found(receiptState, text)})
		return
	}
	say(fields{
		"saw":         "message",
		"source":      delivered.SourceAddr.Address(),
		"destination": delivered.DestAddr.Address(),
		"data_coding": delivered.Message.Encoding().DataCoding(),
		"text":        text,
	})
}

func found(pattern *regexp.Regexp, text string) string {
	if match := pattern.FindStringSubmatch(text); match != nil {
		return match[1]
	}
	return ""
}

func status(answer pdu.PDU) fields {
	if answer == nil {
		return nil
	}
	return fields{"status": answer.GetHeader().CommandStatus}
}
