package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/system"
)

func init() { commands = append(commands, newUserCommand) }

// actorCLI stands in the audit log for whoever owns the data directory.
const actorCLI = "cli"

func newUserCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "user",
		Short: "Add, list and disable accounts from the terminal",
		Long: `Accounts are local. These commands are for whoever owns the data directory: the
first start, and the day when nobody can log in. Everything is in the audit log.

Where a server runs in the data directory they say so and end with exit code 1:
use its console, or stop it first.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().StringP("config", "c", "quaywatch.yaml", "configuration")
	c.AddCommand(newUserAdd(), newUserList(), newUserSwitch("disable", true), newUserSwitch("enable", false), newUserPassword())
	return c
}

// withAccounts runs fn with the accounts of the configuration.
func withAccounts(c *cobra.Command, fn func(context.Context, *identity.Service) error) error {
	path, err := c.Flags().GetString("config")
	if err != nil {
		return err
	}
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	accounts, done, err := system.OpenAccounts(c.Context(), cfg, system.Options{Version: Version(), Command: "user " + c.Name()})
	if err != nil {
		return err
	}
	err = fn(c.Context(), accounts)
	return errors.Join(err, done())
}

func newUserAdd() *cobra.Command {
	var roles []string
	var display string
	var stdin bool
	c := &cobra.Command{
		Use:   "add NAME --role ROLE… [--display TEXT] [--password-stdin]",
		Short: "Add an account; its password is printed once and must be changed at the first login",
		Long:  "Roles: " + strings.Join(identity.RoleNames(), ", ") + ".",
		Args:  exactly(1, "NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(roles) == 0 {
				return usagef("say what the account may do with --role, one or more of %s", strings.Join(identity.RoleNames(), ", "))
			}
			n := identity.NewAccount{Name: args[0], Display: display, MustChange: true}
			for _, r := range roles {
				n.Roles = append(n.Roles, identity.Role(r))
			}
			var err error
			if n.Password, err = newPassword(c, stdin); err != nil {
				return err
			}
			return withAccounts(c, func(ctx context.Context, s *identity.Service) error {
				a, err := s.CreateAccount(ctx, actorCLI, n)
				if err != nil {
					return err
				}
				return tellPassword(c, a.Name, n.Password, stdin)
			})
		},
	}
	c.Flags().StringSliceVar(&roles, "role", nil, "what the account may do; may be given several times")
	c.Flags().StringVar(&display, "display", "", "name for people")
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input, one line")
	return c
}

func newUserPassword() *cobra.Command {
	var stdin bool
	c := &cobra.Command{
		Use:   "password NAME [--password-stdin]",
		Short: "Give an account a new password, which must be changed at the next login",
		Args:  exactly(1, "NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			password, err := newPassword(c, stdin)
			if err != nil {
				return err
			}
			return withAccounts(c, func(ctx context.Context, s *identity.Service) error {
				if _, err := s.SetPassword(ctx, actorCLI, args[0], password); err != nil {
					return err
				}
				return tellPassword(c, args[0], password, stdin)
			})
		},
	}
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input, one line")
	return c
}

// newPassword reads a password, or makes one of 125 random bits.
func newPassword(c *cobra.Command, stdin bool) (string, error) {
	if !stdin {
		b := make([]byte, 16)
		if _, err := rand.Read(b); err != nil {
			return "", fmt.Errorf("making a password: %w", err)
		}
		return strings.ToLower(base32.StdEncoding.EncodeToString(b))[:25], nil
	}
	line, err := bufio.NewReader(c.InOrStdin()).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("no password on standard input: %w", err)
	}
	return line, nil
}

// tellPassword prints a made password, the only time that anybody sees it.
func tellPassword(c *cobra.Command, name, password string, stdin bool) error {
	text := "account " + name + ": password set; it has to be changed at the next login\n"
	if !stdin {
		text = "account " + name + ", password for the first login (shown only now):\n" + password + "\n"
	}
	_, err := fmt.Fprint(plain{c.OutOrStdout()}, text)
	return err
}

func newUserList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the accounts with their roles and last logins",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withAccounts(c, func(ctx context.Context, s *identity.Service) error {
				all, err := s.Accounts(ctx)
				if err != nil {
					return err
				}
				return listAccounts(c, all, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return c
}

// accountLine is an account for people and programs: never its password.
type accountLine struct {
	Name      string          `json:"name"`
	Display   string          `json:"display,omitempty"`
	Roles     []identity.Role `json:"roles"`
	Disabled  bool            `json:"disabled"`
	LastLogin time.Time       `json:"last_login,omitzero"`
}

func listAccounts(c *cobra.Command, all []identity.Account, asJSON bool) error {
	enc := json.NewEncoder(jsonOut{c.OutOrStdout()})
	w := tabwriter.NewWriter(plain{c.OutOrStdout()}, 0, 4, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintln(w, "NAME\tROLES\tSTATE\tLAST LOGIN (UTC)\tFOR")
	}
	for _, a := range all {
		if asJSON {
			if err := enc.Encode(accountLine{a.Name, a.Display, a.Roles, a.Disabled, a.LastLogin}); err != nil {
				return err
			}
			continue
		}
		state, last := "enabled", "never"
		if a.Disabled {
			state = "disabled"
		}
		if !a.LastLogin.IsZero() {
			last = a.LastLogin.UTC().Format(time.RFC3339)
		}
		roles := make([]string, len(a.Roles))
		for i, r := range a.Roles {
			roles[i] = string(r)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", cell(a.Name), strings.Join(roles, ","), state, last, cell(a.Display))
	}
	return w.Flush()
}

func newUserSwitch(verb string, disabled bool) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " NAME",
		Short: strings.ToUpper(verb[:1]) + verb[1:] + " an account; its sessions and tokens are refused while it is disabled",
		Args:  exactly(1, "NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			return withAccounts(c, func(ctx context.Context, s *identity.Service) error {
				a, err := s.Account(ctx, args[0])
				if err != nil {
					return fmt.Errorf("account %q: %w", args[0], err)
				}
				if _, err := s.UpdateAccount(ctx, actorCLI, a.Name, a.Revision, identity.AccountChange{Disabled: &disabled}); err != nil {
					return fmt.Errorf("account %q: %w", a.Name, err)
				}
				_, err = fmt.Fprintf(plain{c.OutOrStdout()}, "account %s is %sd\n", a.Name, verb)
				return err
			})
		},
	}
}

// exactly demands n arguments and names them in the error.
func exactly(n int, names string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s takes %s (see 'quaywatch %s --help')", c.CommandPath(), names, strings.TrimPrefix(c.CommandPath(), "quaywatch "))
		}
		return nil
	}
}
